//! Simulators of the chat platforms that Cardkey speaks to.
