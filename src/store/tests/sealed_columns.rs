//! The registry of sealed columns is whole: held against the entities, and against the schema.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, Statement};
use syn::{Expr, ExprLit, Fields, Item, Lit};

use super::*;
use crate::store::sealed_columns::{SEALED, SealedTable};

/// Sealed with the key that it proves, not with the first one.
const LEFT_OUT: (&str, &str) = ("vault_keys", "check_sealed");

fn registered() -> BTreeSet<(String, String)> {
    let columns = |table: &SealedTable| {
        let name = table.name;
        table.columns.iter().map(move |(column, _)| (name.to_owned(), (*column).to_owned()))
    };
    let mut all: BTreeSet<_> = SEALED.iter().flat_map(columns).collect();
    all.insert((LEFT_OUT.0.to_owned(), LEFT_OUT.1.to_owned()));
    all
}

/// The columns of type `SealedColumn` of an entity's source, with its table.
fn of_entity(source: &str) -> Vec<(String, String)> {
    let file = syn::parse_file(source).unwrap();
    let models = file.items.iter().filter_map(|item| match item {
        Item::Struct(model) if model.ident == "Model" => Some(model),
        _ => None,
    });
    let mut found = Vec::new();
    for model in models {
        let Fields::Named(fields) = &model.fields else { panic!("columns have names") };
        for field in &fields.named {
            let of_type = &field.ty;
            if tokens_of(of_type).contains("SealedColumn") {
                found.push((table_of(model), field.ident.as_ref().unwrap().to_string()));
            }
        }
    }
    found
}

fn tokens_of(of_type: &syn::Type) -> String {
    match of_type {
        syn::Type::Path(path) => path.path.segments.iter().map(tokens_of_segment).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    }
}

fn tokens_of_segment(segment: &syn::PathSegment) -> String {
    let mut text = segment.ident.to_string();
    if let syn::PathArguments::AngleBracketed(arguments) = &segment.arguments {
        for argument in &arguments.args {
            if let syn::GenericArgument::Type(inner) = argument {
                text = format!("{text} {}", tokens_of(inner));
            }
        }
    }
    text
}

fn table_of(model: &syn::ItemStruct) -> String {
    let mut table = None;
    for attribute in model.attrs.iter().filter(|attribute| attribute.path().is_ident("sea_orm")) {
        attribute
            .parse_nested_meta(|meta| {
                let Expr::Lit(ExprLit { lit: Lit::Str(value), .. }) = meta.value()?.parse()? else { return Ok(()) };
                table = meta.path.is_ident("table_name").then(|| value.value()).or(table.take());
                Ok(())
            })
            .unwrap();
    }
    table.unwrap()
}

#[test]
fn every_sealed_column_of_an_entity_is_registered() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/entity");
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        found.extend(of_entity(&std::fs::read_to_string(entry.unwrap().path()).unwrap()));
    }
    assert_eq!(found, registered());
}

#[test]
fn a_sealed_column_is_found_however_it_is_written() {
    let source = "#[derive(Clone)] #[sea_orm(table_name = \"t\")] pub struct Model { pub id: String, \
                  pub a: SealedColumn, pub b: Option<super::SealedColumn>, pub c: Vec<u8> }";
    let found: Vec<_> = of_entity(source).into_iter().map(|(table, column)| format!("{table}.{column}")).collect();
    assert_eq!(found, ["t.a", "t.b"]);
}

#[tokio::test]
async fn every_sealed_column_of_the_schema_is_registered_under_its_tables_only_key() {
    let home = Home::new();
    let store = home.open().await;
    let rows = |sql: String| {
        let query = Statement::from_string(store.reads.get_database_backend(), sql);
        let reads = &store.reads;
        async move { reads.query_all_raw(query).await.unwrap() }
    };
    let sql = "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c \
               WHERE m.type = 'table' AND (c.type LIKE '%blob%' OR c.name LIKE '%sealed%')";
    let found = rows(sql.to_owned()).await;
    let found: BTreeSet<(String, String)> =
        found.iter().map(|row| (row.try_get_by(0).unwrap(), row.try_get_by(1).unwrap())).collect();
    assert_eq!(found, registered());
    for table in SEALED {
        let keys = rows(format!("SELECT name FROM pragma_table_info('{}') WHERE pk > 0", table.name)).await;
        let keys: Vec<String> = keys.iter().map(|row| row.try_get_by(0).unwrap()).collect();
        assert_eq!(keys, [table.key]);
    }
}
