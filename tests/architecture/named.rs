//! Reads a file into what it names: imports, inline paths, paths in macros and attributes, each with its module, its
//! line and whether it stands in test code.

use proc_macro2::TokenStream;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::reading::{self, Used};

/// A path as written.
#[derive(Debug)]
pub(crate) struct Named {
    /// The segments.
    pub path: Vec<String>,
    /// Whether it begins with `::`.
    pub rooted: bool,
    /// The module it stands in.
    pub module: Vec<String>,
    /// Where.
    pub line: usize,
    /// In test code.
    pub test: bool,
    /// Part of a `use`: the name it is known by, and whether it is a glob.
    pub import: Option<(Option<String>, bool)>,
}

/// All that a file names.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// The paths.
    pub all: Vec<Named>,
    /// Modules declared in it: the parent's path and the name, and whether it is test code.
    pub modules: Vec<(Vec<String>, String, bool)>,
    /// Lines of production code with `async` or `.await`.
    pub asynchronous: Vec<usize>,
    module: Vec<String>,
    test: bool,
}

impl Names {
    /// Reads a parsed file whose module path is `module`.
    pub(crate) fn read(file: &syn::File, module: Vec<String>, test: bool) -> Self {
        let mut names = Self { module, test: test || reading::is_test(&file.attrs), ..Self::default() };
        names.visit_file(file);
        names
    }

    fn add(&mut self, path: Vec<String>, rooted: bool, line: usize) {
        let (module, test) = (self.module.clone(), self.test);
        self.all.push(Named { path, rooted, module, line, test, import: None });
    }

    fn tokens(&mut self, tokens: TokenStream) {
        for (path, line) in reading::paths_in(tokens) {
            self.add(path, false, line);
        }
    }

    fn within(&mut self, test: bool, visit: impl FnOnce(&mut Self)) {
        let before = self.test;
        self.test |= test;
        visit(self);
        self.test = before;
    }

    fn awaits(&mut self, span: proc_macro2::Span) {
        if !self.test {
            self.asynchronous.push(span.start().line);
        }
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        self.within(reading::is_test(reading::attributes(item)), |names| visit::visit_item(names, item));
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        self.within(reading::is_test(reading::impl_attributes(item)), |names| visit::visit_impl_item(names, item));
    }

    fn visit_trait_item(&mut self, item: &'ast syn::TraitItem) {
        self.within(reading::is_test(reading::trait_attributes(item)), |names| visit::visit_trait_item(names, item));
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let name = reading::bare(&item.ident.to_string());
        self.modules.push((self.module.clone(), name.clone(), self.test));
        self.module.push(name);
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let mut found = Vec::new();
        reading::used(&item.tree, &[], &mut found);
        for Used { path, known_as, glob, line } in found {
            let (module, test) = (self.module.clone(), self.test);
            let import = Some((known_as, glob));
            self.all.push(Named { path, rooted: item.leading_colon.is_some(), module, line, test, import });
        }
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        let name = reading::bare(&item.ident.to_string());
        let known_as = item.rename.as_ref().map_or_else(|| name.clone(), |(_, rename)| rename.to_string());
        let (module, test, line) = (self.module.clone(), self.test, item.span().start().line);
        let import = Some((Some(known_as), false));
        self.all.push(Named { path: vec![name], rooted: true, module, line, test, import });
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            let segments = path.segments.iter().map(|segment| reading::bare(&segment.ident.to_string())).collect();
            self.add(segments, path.leading_colon.is_some(), path.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        self.tokens(mac.tokens.clone());
        visit::visit_macro(self, mac);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
            for path in quoted_paths(list.tokens.clone()) {
                self.add(path, false, attribute.span().start().line);
            }
        }
        visit::visit_attribute(self, attribute);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if let Some(keyword) = &signature.asyncness {
            self.awaits(keyword.span);
        }
        visit::visit_signature(self, signature);
    }

    fn visit_expr_async(&mut self, expr: &'ast syn::ExprAsync) {
        self.awaits(expr.async_token.span);
        visit::visit_expr_async(self, expr);
    }

    fn visit_expr_await(&mut self, expr: &'ast syn::ExprAwait) {
        self.awaits(expr.await_token.span);
        visit::visit_expr_await(self, expr);
    }
}

/// Paths in string literals of an attribute, such as `#[serde(with = "crate::…")]`.
fn quoted_paths(tokens: TokenStream) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for token in tokens {
        match token {
            proc_macro2::TokenTree::Group(group) => found.extend(quoted_paths(group.stream())),
            proc_macro2::TokenTree::Literal(literal) => {
                let text = literal.to_string();
                let path = text.trim_matches('"');
                if path.contains("::") && path.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                    found.push(path.split("::").map(str::to_owned).collect());
                }
            }
            _ => {}
        }
    }
    found
}
