//! Finds comparisons with a platform's name: `==`, `!=`, patterns, string methods, and the same inside macros.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{BinOp, ExprBinary, ExprMethodCall, Lit};

use crate::reading;
use crate::table::PLATFORMS;

/// Methods by which one text is compared with another.
const METHODS: &[&str] = &[
    "eq",
    "ne",
    "cmp",
    "eq_ignore_ascii_case",
    "starts_with",
    "ends_with",
    "contains",
    "strip_prefix",
    "strip_suffix",
];

/// Reads a file: the lines on which production code compares something with a platform's name.
pub(crate) fn lines(file: &syn::File) -> Vec<usize> {
    let mut search = Search::default();
    search.visit_file(file);
    search.found
}

/// The lines of production code with a platform's name in an identifier or as a whole text.
pub(crate) fn names(file: &syn::File) -> Vec<usize> {
    let mut search = Search { any: true, ..Search::default() };
    search.visit_file(file);
    search.found
}

#[derive(Default)]
struct Search {
    found: Vec<usize>,
    /// Within something that is compared.
    compared: bool,
    /// Report each name, compared or not.
    any: bool,
}

impl Search {
    fn comparing(&mut self, visit: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.compared, true);
        visit(self);
        self.compared = before;
    }

    fn in_tokens(&mut self, tokens: TokenStream, all: bool) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.in_tokens(group.stream(), all),
                TokenTree::Literal(literal)
                    if is_platform(&literal.to_string()) && (all || self.any || beside_comparison(&tokens, at)) =>
                {
                    self.found.push(literal.span().start().line);
                }
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Search {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !reading::is_test(reading::attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_ident(&mut self, ident: &'ast syn::Ident) {
        if self.any && has_platform_word(&ident.to_string()) {
            self.found.push(ident.span().start().line);
        }
    }

    fn visit_expr_binary(&mut self, expr: &'ast ExprBinary) {
        if matches!(expr.op, BinOp::Eq(_) | BinOp::Ne(_)) {
            self.comparing(|search| visit::visit_expr_binary(search, expr));
        } else {
            visit::visit_expr_binary(self, expr);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        if METHODS.iter().any(|method| call.method == method) {
            self.comparing(|search| visit::visit_expr_method_call(search, call));
        } else {
            visit::visit_expr_method_call(self, call);
        }
    }

    fn visit_pat(&mut self, pattern: &'ast syn::Pat) {
        self.comparing(|search| visit::visit_pat(search, pattern));
    }

    fn visit_lit(&mut self, literal: &'ast Lit) {
        let text = match literal {
            Lit::Str(it) => it.value(),
            Lit::ByteStr(it) => String::from_utf8_lossy(&it.value()).into_owned(),
            _ => return,
        };
        if (self.compared || self.any) && is_platform(&text) {
            self.found.push(literal.span().start().line);
        }
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let matches = mac.path.segments.last().is_some_and(|last| last.ident == "matches");
        self.in_tokens(mac.tokens.clone(), matches || self.compared);
    }
}

/// A text or a literal as written.
fn is_platform(text: &str) -> bool {
    let inner = text.trim_start_matches(['b', 'r', '#', '"']).trim_end_matches(['"', '#']);
    PLATFORMS.iter().any(|name| inner.eq_ignore_ascii_case(name) || text.eq_ignore_ascii_case(name))
}

/// `FeishuCard`, `from_lark`, `DINGTALK`.
fn has_platform_word(ident: &str) -> bool {
    let mut words = String::new();
    for (before, c) in std::iter::once('_').chain(ident.chars()).zip(ident.chars()) {
        if c.is_uppercase() && before.is_lowercase() {
            words.push('_');
        }
        words.push(c.to_ascii_lowercase());
    }
    words.split('_').any(|word| PLATFORMS.contains(&word))
}

fn beside_comparison(tokens: &[TokenTree], at: usize) -> bool {
    let before = (sign(tokens, at.wrapping_sub(2)), sign(tokens, at.wrapping_sub(1)));
    let after = (sign(tokens, at + 1), sign(tokens, at + 2));
    let equal = |pair| matches!(pair, (Some('=' | '!'), Some('=')));
    equal(before) || equal(after) || after == (Some('='), Some('>')) || before.1 == Some('|') || after.0 == Some('|')
}

fn sign(tokens: &[TokenTree], at: usize) -> Option<char> {
    match tokens.get(at)? {
        TokenTree::Punct(punct) => Some(punct.as_char()),
        _ => None,
    }
}
