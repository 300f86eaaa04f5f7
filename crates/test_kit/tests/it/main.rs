//! The ground of the graders: that it can be built, and that what it writes fits the document.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

#[test]
fn the_ground_names_requests_of_operations_that_there_are() {
    let folder = std::env::temp_dir().join(format!("grading-ground-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (auth, examples) = (folder.join("auth.json"), folder.join("examples.json"));
    let ran = Command::new(env!("CARGO_BIN_EXE_grading_ground"))
        .arg(&auth)
        .arg(&examples)
        .arg("true")
        .status()
        .expect("the ground starts");
    assert!(ran.success(), "{ran}");
    let people = read(&auth)["auth"].as_array().expect("people").len();
    assert_eq!(people, 12);

    let document = serde_json::to_value(rest_api::openapi()).expect("plain JSON");
    let paths = document["paths"].as_object().expect("paths");
    let operations: Vec<&Value> = paths
        .values()
        .flat_map(|item| item.as_object().expect("operations").values())
        .collect();
    for (name, example) in read(&examples).as_object().expect("examples") {
        let found = operations.iter().find(|one| one["operationId"] == **name);
        let operation = found.unwrap_or_else(|| panic!("there is no operation {name}"));
        for part in example["path"].as_object().into_iter().flatten() {
            let (parameter, id) = part;
            assert!(id.is_string(), "{name}: {parameter} is {id}");
        }
        let takes_json = operation["requestBody"]["content"].get("application/json");
        assert_eq!(
            example.get("body").is_some(),
            takes_json.is_some(),
            "{name}"
        );
    }
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}

fn read(file: &Path) -> Value {
    let text = std::fs::read(file).expect("the ground wrote it");
    serde_json::from_slice(&text).expect("JSON")
}
