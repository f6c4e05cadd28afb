//! Serves `wasi:blobstore` to the components of `wash dev`, with files: containers are folders of
//! the last folder that it sees, objects are files in them.

mod blobs; // generated from wit
mod files;
mod objects;
mod values;

use wash_plugin::exports::nimbus::wash::plugin::Guest as Plugin;
use wash_plugin::nimbus::wash::types::{
    Capabilities, DevRegister, Event, Finding, Invocation, Metadata, Runner,
};

use crate::blobs::exports::wasi::blobstore::{blobstore, container, types};
use crate::objects::{Folder, Names};

struct Blobstore;

impl Plugin for Blobstore {
    fn info() -> Metadata {
        Metadata {
            name: "blobstore-filesystem".into(),
            description: "wasi:blobstore with files, for wash dev".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            license: "Apache-2.0".into(),
            contact: String::new(),
            url: String::new(),
            command: None,
            sub_commands: Vec::new(),
            hooks: Vec::new(),
            checks: false,
            // Its streams are the caller's, so that it lives with each caller.
            dev_register: Some(DevRegister { long_lived: false }),
            capabilities: Capabilities {
                programs: Vec::new(),
                files: Vec::new(),
                hosts: Vec::new(),
            },
        }
    }

    fn initialize(_: Runner) -> Result<(), String> {
        Ok(())
    }

    fn run(_: Runner, _: Invocation) -> Result<String, String> {
        Err("there is no command".into())
    }

    fn hook(_: Runner, _: Event) -> Result<String, String> {
        Err("there is no hook".into())
    }

    fn check(_: Runner) -> Result<Vec<Finding>, String> {
        Ok(Vec::new())
    }
}

impl types::Guest for Blobstore {
    type OutgoingValue = values::Outgoing;
    type IncomingValue = values::Incoming;
}

impl container::Guest for Blobstore {
    type Container = Folder;
    type StreamObjectNames = Names;
}

impl blobstore::Guest for Blobstore {
    fn create_container(name: String) -> Result<container::Container, String> {
        Ok(container::Container::new(Folder::create(name)?))
    }

    fn get_container(name: String) -> Result<container::Container, String> {
        Ok(container::Container::new(Folder::open(name)?))
    }

    fn delete_container(name: String) -> Result<(), String> {
        let folder = Folder::open(name.clone())?;
        folder.remove_all()?;
        files::remove_folder(&files::encoded(&name)?)
    }

    fn container_exists(name: String) -> Result<bool, String> {
        Ok(Folder::open(name).is_ok())
    }

    fn copy_object(src: types::ObjectId, dest: types::ObjectId) -> Result<(), String> {
        let from = Folder::open(src.container)?;
        let to = Folder::open(dest.container)?;
        let part = files::Partial::create()?;
        files::copy(&from.file(&src.object)?, &part.file, 0, u64::MAX)?;
        part.become_file(&to.path(&dest.object)?)
    }

    fn move_object(src: types::ObjectId, dest: types::ObjectId) -> Result<(), String> {
        let from = Folder::open(src.container)?;
        let to = Folder::open(dest.container)?;
        files::rename(&from.path(&src.object)?, &to.path(&dest.object)?)
    }
}

wash_plugin::export!(Blobstore);
blobs::export!(Blobstore with_types_in blobs);
