//! The elements of a card: which tags there are, what buttons and forms need, how many there may be.

use std::collections::HashSet;

use serde_json::Value;

use super::{CardProblem, bad, check_text, not_in_2_0};

/// The most elements of a card.
const ELEMENT_LIMIT: usize = 200;

const PLAIN: [&str; 11] =
    ["div", "markdown", "hr", "img", "img_combination", "table", "chart", "person", "person_list", "audio", "text_tag"];
const NESTING: [&str; 2] = ["collapsible_panel", "interactive_container"];
const INPUTS: [&str; 11] = [
    "input",
    "select_static",
    "multi_select_static",
    "select_person",
    "multi_select_person",
    "date_picker",
    "picker_time",
    "picker_datetime",
    "overflow",
    "checker",
    "select_img",
];
const OLD: [&str; 2] = ["action", "note"];
const BUTTON_TYPES: [&str; 9] =
    ["default", "primary", "danger", "text", "primary_text", "danger_text", "primary_filled", "danger_filled", "laser"];

/// One pass over a card's elements.
#[derive(Default)]
pub(super) struct Walk {
    count: usize,
    ids: HashSet<String>,
    names: HashSet<String>,
    /// Whether the form being walked has a button that submits it.
    submits: bool,
}

impl Walk {
    /// Checks a list of elements. `place` is its path, for the error text.
    pub(super) fn elements(&mut self, elements: &[Value], place: &str, in_form: bool) -> Result<(), CardProblem> {
        for (at, element) in elements.iter().enumerate() {
            self.element(element, &format!("{place}[{at}]"), in_form)?;
        }
        Ok(())
    }

    fn element(&mut self, element: &Value, place: &str, in_form: bool) -> Result<(), CardProblem> {
        self.count += 1;
        if self.count > ELEMENT_LIMIT {
            return Err(CardProblem { code: 11_310, text: format!("more than {ELEMENT_LIMIT} elements") });
        }
        self.id(element, place)?;
        match element["tag"].as_str().unwrap_or_default() {
            "markdown" if !element["content"].is_string() => Err(bad(format!("{place}.content must be a string"))),
            "button" => self.button(element, place, in_form),
            "form" => self.form(element, place, in_form),
            "column_set" => self.columns(element, place, in_form),
            tag if NESTING.contains(&tag) => self.elements(list(element, "elements", place)?, place, in_form),
            tag if INPUTS.contains(&tag) => self.input(element, place, in_form),
            tag if PLAIN.contains(&tag) => Ok(()),
            tag if OLD.contains(&tag) => Err(not_in_2_0(format!("{place}: tag {tag} is not allowed in 2.0"))),
            tag => Err(not_in_2_0(format!("{place}: tag {tag:?} is not known"))),
        }
    }

    fn id(&mut self, element: &Value, place: &str) -> Result<(), CardProblem> {
        let id = match &element["element_id"] {
            Value::Null => return Ok(()),
            Value::String(id) => id,
            _ => return Err(bad(format!("{place}.element_id must be a string"))),
        };
        let starts = id.starts_with(|first: char| first.is_ascii_alphabetic());
        let plain = id.chars().all(|one| one.is_ascii_alphanumeric() || one == '_');
        if !starts || !plain || id.len() > 20 {
            return Err(bad(format!("{place}.element_id: a letter, then letters, digits, _; at most 20")));
        }
        if !self.ids.insert(id.clone()) {
            return Err(bad(format!("{place}.element_id is there twice")));
        }
        Ok(())
    }

    fn columns(&mut self, set: &Value, place: &str, in_form: bool) -> Result<(), CardProblem> {
        for (at, column) in list(set, "columns", place)?.iter().enumerate() {
            let place = format!("{place}.columns[{at}]");
            if column["tag"] != "column" {
                return Err(bad(format!("{place}.tag must be column")));
            }
            self.id(column, &place)?;
            self.elements(list(column, "elements", &place)?, &place, in_form)?;
        }
        Ok(())
    }

    fn form(&mut self, form: &Value, place: &str, in_form: bool) -> Result<(), CardProblem> {
        if in_form {
            return Err(bad(format!("{place}: a form inside a form")));
        }
        self.name(form, place)?;
        self.submits = false;
        self.elements(list(form, "elements", place)?, place, true)?;
        if self.submits { Ok(()) } else { Err(bad(format!("{place}: a form needs a button that submits it"))) }
    }

    fn input(&mut self, input: &Value, place: &str, in_form: bool) -> Result<(), CardProblem> {
        if in_form { self.name(input, place) } else { Ok(()) }
    }

    /// Inside a form every interactive element has a name of its own.
    fn name(&mut self, element: &Value, place: &str) -> Result<(), CardProblem> {
        let name = element["name"].as_str().unwrap_or_default();
        if name.is_empty() {
            return Err(CardProblem { code: 200_530, text: format!("{place}.name is empty") });
        }
        if !self.names.insert(name.to_owned()) {
            return Err(bad(format!("{place}.name is there twice")));
        }
        Ok(())
    }

    fn button(&mut self, button: &Value, place: &str, in_form: bool) -> Result<(), CardProblem> {
        if !button["text"].is_null() {
            check_text(&button["text"], &format!("{place}.text"))?;
        } else if button["icon"].is_null() {
            return Err(bad(format!("{place} has neither text nor icon")));
        }
        match button["type"].as_str() {
            Some(kind) if !BUTTON_TYPES.contains(&kind) => {
                return Err(bad(format!("{place}.type is not known")));
            }
            _ => {}
        }
        if !button["confirm"].is_null() {
            check_text(&button["confirm"]["title"], &format!("{place}.confirm.title"))?;
            check_text(&button["confirm"]["text"], &format!("{place}.confirm.text"))?;
        }
        if in_form {
            self.name(button, place)?;
        }
        self.submits |= submits(button, place)?;
        behaviors(button, place)
    }
}

fn list<'a>(element: &'a Value, name: &str, place: &str) -> Result<&'a [Value], CardProblem> {
    element[name].as_array().map(Vec::as_slice).ok_or_else(|| bad(format!("{place}.{name} must be a list")))
}

fn submits(button: &Value, place: &str) -> Result<bool, CardProblem> {
    match button["form_action_type"].as_str() {
        None | Some("reset") => Ok(false),
        Some("submit") => Ok(true),
        Some(_) => Err(bad(format!("{place}.form_action_type must be submit or reset"))),
    }
}

fn behaviors(button: &Value, place: &str) -> Result<(), CardProblem> {
    if button["behaviors"].is_null() {
        return Ok(());
    }
    for (at, behavior) in list(button, "behaviors", place)?.iter().enumerate() {
        let place = format!("{place}.behaviors[{at}]");
        match behavior["type"].as_str().unwrap_or_default() {
            "open_url" => open_url(behavior, &place)?,
            "callback" if behavior["value"].is_object() || behavior["value"].is_string() => {}
            "callback" => return Err(bad(format!("{place}.value must be an object"))),
            "form_action" => {}
            _ => return Err(bad(format!("{place}.type is not known"))),
        }
    }
    Ok(())
}

fn open_url(behavior: &Value, place: &str) -> Result<(), CardProblem> {
    let urls =
        ["default_url", "pc_url", "ios_url", "android_url"].map(|name| behavior[name].as_str().unwrap_or_default());
    if urls.iter().all(|url| url.is_empty()) {
        return Err(bad(format!("{place} has no url")));
    }
    let fine = |url: &str| url.is_empty() || url::Url::parse(url).is_ok();
    if urls.iter().all(|url| fine(url)) { Ok(()) } else { Err(bad(format!("{place}: a url cannot be read"))) }
}
