//! Makes text that others wrote harmless on a card, and bounds it.
//!
//! A card's markdown knows links, mentions (`<at …>`), colours (`<font …>`), pictures, emoji by name and more. Callers'
//! names, their reasons and the operator's message are text and nothing else: [`escaped`] writes every character that
//! could begin or end markup as a numeric entity, which the platform shows as the character itself. A template's
//! variables may land in markdown or in plain text, so there [`widened`] takes the full-width form of such characters,
//! which is harmless and readable in both.

use url::Url;

/// Characters that mean something in a card's markdown.
const MARKUP: &str = "&<>~-!*/\\[](){}#:+\"'`$_|@=^%";

/// One line of at most `max` characters: blanks for control characters, nothing for invisible ones that change the
/// reading direction or hide.
#[must_use]
pub fn one_line(text: &str, max: usize) -> String {
    let visible: String = text.chars().filter(|letter| !is_invisible(*letter)).map(blank_for_control).collect();
    let words: Vec<&str> = visible.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= max {
        return line;
    }
    let kept: String = line.chars().take(max.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// The text with no markup in it, for markdown.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if MARKUP.contains(letter) {
            out.extend(["&#", &u32::from(letter).to_string(), ";"]);
        } else {
            out.push(letter);
        }
    }
    out
}

/// The text with no markup in it, for markdown and for plain text.
#[must_use]
pub fn widened(text: &str) -> String {
    text.chars().map(wide).collect()
}

fn wide(letter: char) -> char {
    if "&<>~*\\[]()#`_@:".contains(letter) { char::from_u32(u32::from(letter) + 0xfee0).unwrap_or(' ') } else { letter }
}

/// A link in markdown; both come from us or the operator.
#[must_use]
pub fn link(words: &str, url: &Url) -> String {
    let address = url.as_str().replace('(', "%28").replace(')', "%29");
    format!("[{words}]({address})")
}

fn blank_for_control(letter: char) -> char {
    if letter.is_control() { ' ' } else { letter }
}

/// Marks without a width: directions, joiners, variation selectors, tags.
const fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(escaped("plain text, 中文。"), "plain text, 中文。");
        assert_eq!(escaped("<at id=all></at>"), "&#60;at id&#61;all&#62;&#60;&#47;at&#62;");
        assert_eq!(escaped("[x](https://e)"), "&#91;x&#93;&#40;https&#58;&#47;&#47;e&#41;");
        assert_eq!(escaped("&#60;"), "&#38;&#35;60;");
        for markup in ["**b**", "`c`", "<font color='red'>", "~~s~~", "![i](k)", ":OK:", "# h", "$v$", "|t|", "_i_"] {
            assert!(!escaped(markup).contains(|letter| "*`<~[]():$|_".contains(letter)), "{markup}");
        }
    }

    #[test]
    fn templates_get_wide_characters() {
        assert_eq!(widened("<at id=all> [x](y) *b*"), "＜at id=all＞ ［x］（y） ＊b＊");
    }

    #[test]
    fn a_line_is_one_line_and_bounded() {
        assert_eq!(one_line(" a\n\tb \r\n c\u{0}d ", 20), "a b c d");
        assert_eq!(one_line("\u{202e}gro.live\u{202c} a\u{200b}b", 20), "gro.live ab");
        assert_eq!(one_line("abcdef", 6), "abcdef");
        assert_eq!(one_line("abcdefg", 6), "abcde…");
        assert_eq!(one_line("中文中文", 3), "中文…");
        assert_eq!(one_line("", 3), "");
    }

    #[test]
    fn a_link_cannot_be_broken_out_of() {
        let url = Url::parse("https://e/a)b](c").unwrap();
        assert_eq!(link("w", &url), "[w](https://e/a%29b](%28c)".replace("](%28c", "]%28c"));
    }
}
