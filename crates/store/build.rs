//! A new migration file makes the crate build anew; the macro that embeds the folder can't tell that by itself.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
