//! Of the interface, for calling it and for serving it.

wit_bindgen_wrpc::generate!({
    inline: "
        package nimbus:interop-rust;
        world both {
            import nimbus:interop/peer;
            export nimbus:interop/peer;
        }
    ",
    path: "../wit",
    world: "nimbus:interop-rust/both",
    generate_all,
    // An enum has it already.
    additional_derives: [PartialEq],
    additional_derives_ignore: ["colour"],
});
