//! Answers that several operations give word for word stand once, under `components/responses`.

use std::collections::BTreeMap;

use utoipa::openapi::{OpenApi, Ref, RefOr, Response};

use super::finish::operations;

/// Moves every answer of 4xx and 5xx that stands more than once.
pub(super) fn responses(document: &mut OpenApi) {
    let mut seen: Vec<(String, Response, usize)> = Vec::new();
    for_each(document, |status, response| {
        if let RefOr::T(response) = response {
            match seen.iter_mut().find(|(_, known, _)| known == response) {
                Some((_, _, count)) => *count += 1,
                None => seen.push((status.to_owned(), response.clone(), 1)),
            }
        }
    });
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let named: Vec<(String, Response)> = seen
        .into_iter()
        .filter(|(_, _, count)| *count > 1)
        .map(|(status, response, _)| {
            let number = numbers.entry(status.clone()).or_default();
            *number += 1;
            (format!("Problem{status}.{number}"), response)
        })
        .collect();
    for_each(document, |_, response| {
        let RefOr::T(whole) = response else { return };
        if let Some((name, _)) = named.iter().find(|(_, known)| known == whole) {
            *response = RefOr::Ref(Ref::new(format!("#/components/responses/{name}")));
        }
    });
    let components = document.components.get_or_insert_default();
    let named = named
        .into_iter()
        .map(|(name, response)| (name, response.into()));
    components.responses.extend(named);
}

fn for_each(document: &mut OpenApi, mut visit: impl FnMut(&str, &mut RefOr<Response>)) {
    for item in document.paths.paths.values_mut() {
        for (_, operation) in operations(item) {
            for (status, response) in &mut operation.responses.responses {
                if status.starts_with(['4', '5']) {
                    visit(status, response);
                }
            }
        }
    }
}
