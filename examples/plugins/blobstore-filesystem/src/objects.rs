//! Containers and the objects in them.

use std::cell::Cell;

use wasip2::filesystem::types::{Descriptor, DescriptorStat, DescriptorType};

use crate::blobs::exports::wasi::blobstore::container::{
    GuestContainer, GuestStreamObjectNames, StreamObjectNames,
};
use crate::blobs::exports::wasi::blobstore::types::{
    ContainerMetadata, IncomingValue, ObjectMetadata, OutgoingValueBorrow,
};
use crate::files;
use crate::values::{Incoming, Outgoing};

/// A container: a folder.
pub struct Folder {
    name: String,
    path: String,
}

fn created_at(stat: &DescriptorStat) -> u64 {
    stat.data_modification_timestamp.map_or(0, |time| time.seconds)
}

impl Folder {
    pub fn create(name: String) -> Result<Folder, String> {
        files::make_folder(&files::encoded(&name)?)?;
        Folder::open(name)
    }

    pub fn open(name: String) -> Result<Folder, String> {
        let path = files::encoded(&name)?;
        let found = files::stat(&path)?;
        match found.is_some_and(|stat| stat.type_ == DescriptorType::Directory) {
            true => Ok(Folder { name, path }),
            false => Err(format!("there is no container {name}")),
        }
    }

    pub fn path(&self, object: &str) -> Result<String, String> {
        Ok(format!("{}/{}", self.path, files::encoded(object)?))
    }

    pub fn file(&self, object: &str) -> Result<Descriptor, String> {
        files::open(&self.path(object)?)
    }

    pub fn remove_all(&self) -> Result<(), String> {
        files::names_in(&self.path)?
            .iter()
            .try_for_each(|name| files::remove(&self.path(name)?))
    }
}

impl GuestContainer for Folder {
    fn name(&self) -> Result<String, String> {
        Ok(self.name.clone())
    }

    fn info(&self) -> Result<ContainerMetadata, String> {
        let stat = files::stat(&self.path)?.ok_or("the container is gone")?;
        Ok(ContainerMetadata {
            name: self.name.clone(),
            created_at: created_at(&stat),
        })
    }

    fn get_data(&self, name: String, start: u64, end: u64) -> Result<IncomingValue, String> {
        let file = self.file(&name)?;
        let size = file.stat().map_err(|error| files::failed(&name, error))?.size;
        if end < start {
            return Err("the range ends before it begins".into());
        }
        let start = start.min(size);
        let behind = end.saturating_add(1).min(size).max(start);
        Ok(IncomingValue::new(Incoming {
            file,
            start,
            bytes: behind - start,
            to_end: behind == size,
        }))
    }

    fn write_data(&self, name: String, data: OutgoingValueBorrow<'_>) -> Result<(), String> {
        data.get::<Outgoing>().write_to(self.path(&name)?)
    }

    fn list_objects(&self) -> Result<StreamObjectNames, String> {
        Ok(StreamObjectNames::new(Names {
            names: files::names_in(&self.path)?,
            next: Cell::new(0),
        }))
    }

    fn delete_object(&self, name: String) -> Result<(), String> {
        files::remove(&self.path(&name)?)
    }

    fn delete_objects(&self, names: Vec<String>) -> Result<(), String> {
        names.iter().try_for_each(|name| files::remove(&self.path(name)?))
    }

    fn has_object(&self, name: String) -> Result<bool, String> {
        Ok(files::stat(&self.path(&name)?)?.is_some())
    }

    fn object_info(&self, name: String) -> Result<ObjectMetadata, String> {
        let found = files::stat(&self.path(&name)?)?;
        let stat = found.ok_or(format!("there is no object {name}"))?;
        Ok(ObjectMetadata {
            name,
            container: self.name.clone(),
            created_at: created_at(&stat),
            size: stat.size,
        })
    }

    fn clear(&self) -> Result<(), String> {
        self.remove_all()
    }
}

/// Names of objects, as they were when they were asked for.
pub struct Names {
    names: Vec<String>,
    next: Cell<usize>,
}

impl Names {
    fn advance(&self, count: u64) -> (usize, usize) {
        let from = self.next.get();
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let to = from.saturating_add(count).min(self.names.len());
        self.next.set(to);
        (from, to)
    }
}

impl GuestStreamObjectNames for Names {
    fn read_stream_object_names(&self, len: u64) -> Result<(Vec<String>, bool), String> {
        let (from, to) = self.advance(len);
        Ok((self.names[from..to].to_vec(), to == self.names.len()))
    }

    fn skip_stream_object_names(&self, num: u64) -> Result<(u64, bool), String> {
        let (from, to) = self.advance(num);
        Ok(((to - from) as u64, to == self.names.len()))
    }
}
