//! A changed migration makes the crate build anew: the name of the template of test databases depends on it.

fn main() {
    println!("cargo:rerun-if-changed=../store/migrations");
}
