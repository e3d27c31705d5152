//! Small readings of syntax: what is test code, which words a `use` names, which paths a token stream names.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::{Attribute, ImplItem, Item, TraitItem, UseTree};

/// Whether the attributes make it test code: `#[cfg(test)]`, `#[cfg(all(test, …))]`, `#[test]`, `#[tokio::test]`.
pub(crate) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        if path.is_ident("cfg") {
            let words = words(attribute.meta.require_list().map(|list| list.tokens.clone()).unwrap_or_default());
            return words.iter().any(|word| word == "test") && !words.iter().any(|word| word == "not");
        }
        path.segments.last().is_some_and(|last| last.ident == "test")
    })
}

/// The attributes of an item.
pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(it) => &it.attrs,
        Item::Enum(it) => &it.attrs,
        Item::ExternCrate(it) => &it.attrs,
        Item::Fn(it) => &it.attrs,
        Item::Impl(it) => &it.attrs,
        Item::Macro(it) => &it.attrs,
        Item::Mod(it) => &it.attrs,
        Item::Static(it) => &it.attrs,
        Item::Struct(it) => &it.attrs,
        Item::Trait(it) => &it.attrs,
        Item::Type(it) => &it.attrs,
        Item::Use(it) => &it.attrs,
        _ => &[],
    }
}

/// The attributes of an item in an `impl`.
pub(crate) fn impl_attributes(item: &ImplItem) -> &[Attribute] {
    match item {
        ImplItem::Const(it) => &it.attrs,
        ImplItem::Fn(it) => &it.attrs,
        ImplItem::Type(it) => &it.attrs,
        _ => &[],
    }
}

/// The attributes of an item in a `trait`.
pub(crate) fn trait_attributes(item: &TraitItem) -> &[Attribute] {
    match item {
        TraitItem::Const(it) => &it.attrs,
        TraitItem::Fn(it) => &it.attrs,
        TraitItem::Type(it) => &it.attrs,
        _ => &[],
    }
}

/// One name brought in by a `use`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Used {
    /// What is named, as written.
    pub path: Vec<String>,
    /// Under which name it is known from here on; `None` for `*` and `_`.
    pub known_as: Option<String>,
    /// `*`.
    pub glob: bool,
    /// Where.
    pub line: usize,
}

/// Flattens a `use` tree.
pub(crate) fn used(tree: &UseTree, prefix: &[String], found: &mut Vec<Used>) {
    match tree {
        UseTree::Path(it) => used(&it.tree, &longer(prefix, &it.ident), found),
        UseTree::Group(it) => it.items.iter().for_each(|item| used(item, prefix, found)),
        UseTree::Name(it) => found.push(one(prefix, &it.ident, &it.ident)),
        UseTree::Rename(it) => found.push(one(prefix, &it.ident, &it.rename)),
        UseTree::Glob(it) => {
            let line = it.star_token.spans[0].start().line;
            found.push(Used { path: prefix.to_vec(), known_as: None, glob: true, line });
        }
    }
}

fn one(prefix: &[String], ident: &syn::Ident, rename: &syn::Ident) -> Used {
    let own = ident == "self" && !prefix.is_empty();
    let path = if own { prefix.to_vec() } else { longer(prefix, ident) };
    let name = if rename == "self" { path.last().cloned() } else { Some(rename.to_string()) };
    Used { path, known_as: name.filter(|name| name != "_"), glob: false, line: ident.span().start().line }
}

fn longer(prefix: &[String], ident: &syn::Ident) -> Vec<String> {
    let mut path = prefix.to_vec();
    path.push(bare(&ident.to_string()));
    path
}

/// An identifier without `r#`.
pub(crate) fn bare(word: &str) -> String {
    word.trim_start_matches("r#").to_owned()
}

/// All identifiers in a token stream.
pub(crate) fn words(tokens: TokenStream) -> Vec<String> {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Group(group) => words(group.stream()),
            TokenTree::Ident(ident) => vec![bare(&ident.to_string())],
            _ => Vec::new(),
        })
        .collect()
}

/// All paths of two or more segments in a token stream, with their lines; `a::{b, c::d}` is read as a group.
pub(crate) fn paths_in(tokens: TokenStream) -> Vec<(Vec<String>, usize)> {
    let mut found = Vec::new();
    scan(&tokens.into_iter().collect::<Vec<_>>(), &[], &mut found);
    found
}

fn scan(tokens: &[TokenTree], prefix: &[String], found: &mut Vec<(Vec<String>, usize)>) {
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Ident(ident) => {
                let line = ident.span().start().line;
                let (path, next) = read_path(tokens, at, prefix);
                match tokens.get(next) {
                    Some(TokenTree::Group(group))
                        if group.delimiter() == Delimiter::Brace && path_goes_on(tokens, next) =>
                    {
                        scan(&group.stream().into_iter().collect::<Vec<_>>(), &path, found);
                        at = next + 1;
                        continue;
                    }
                    _ if path.len() > 1 => found.push((path, line)),
                    _ => {}
                }
                at = next;
            }
            TokenTree::Group(group) => {
                scan(&group.stream().into_iter().collect::<Vec<_>>(), &[], found);
                at += 1;
            }
            _ => at += 1,
        }
    }
}

/// Reads `a::b::c` from `at`; returns it behind the prefix, and where it ends (behind a closing `::`, if any).
fn read_path(tokens: &[TokenTree], mut at: usize, prefix: &[String]) -> (Vec<String>, usize) {
    let mut path = prefix.to_vec();
    while let Some(TokenTree::Ident(ident)) = tokens.get(at) {
        path.push(bare(&ident.to_string()));
        at += 1;
        if !(is_colon(tokens.get(at)) && is_colon(tokens.get(at + 1))) {
            break;
        }
        at += 2;
    }
    (path, at)
}

fn path_goes_on(tokens: &[TokenTree], at: usize) -> bool {
    at >= 2 && is_colon(tokens.get(at - 1)) && is_colon(tokens.get(at - 2))
}

fn is_colon(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == ':')
}
