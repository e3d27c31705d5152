//! What the real binary's tests do not ask for: databases of servers.

use std::path::Path;

use super::*;
use crate::store::backup::{BackupError, backup, restore};

#[tokio::test]
async fn servers_have_their_own_means() {
    for url in ["postgres://localhost/cardkey", "mysql://localhost/cardkey"] {
        let refused = backup(url, Path::new("x.db"), false).await.unwrap_err();
        assert!(matches!(refused, BackupError::Engine), "{refused}");
        let refused = restore(url, Path::new("x.db"), &vault(KEY_1), "now").await.unwrap_err();
        assert!(matches!(refused, BackupError::Engine), "{refused}");
    }
}
