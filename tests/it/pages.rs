//! The pages over a real loopback socket: every route, who may see what, and the live feed.

mod access;
mod api;
pub(super) mod client;
mod feed;
mod grafana;
mod house;
mod sound;
mod stuck;

use client::get;
use house::Stage;

/// Snapshots are in one folder for all tests.
fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings
}

#[tokio::test]
async fn both_pages_load_with_all_that_they_name() {
    let stage = Stage::open().await;
    for page in ["/", "/admin"] {
        let answer = get(stage.at, page).await;
        assert_eq!(answer.status, 200, "{page}");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        let named: Vec<&str> =
            answer.body.split(['"', '\'']).filter(|part| part.starts_with("/assets/")).collect();
        assert!(named.len() >= 4, "{page} names {named:?}");
        for asset in named {
            assert_eq!(get(stage.at, asset).await.status, 200, "{asset}");
        }
    }
    stage.close().await;
}

#[tokio::test]
async fn every_module_that_a_module_imports_is_there() {
    let stage = Stage::open().await;
    let mut seen = vec!["/assets/js/join.js".to_owned(), "/assets/js/admin.js".to_owned()];
    let mut next = 0;
    while let Some(module) = seen.get(next).cloned() {
        next += 1;
        let answer = get(stage.at, &module).await;
        assert_eq!(answer.status, 200, "{module}");
        assert_eq!(answer.header("content-type"), "text/javascript; charset=utf-8");
        for import in answer.body.lines().filter_map(imported) {
            let found = resolve(&module, import);
            if !seen.contains(&found) {
                seen.push(found);
            }
        }
    }
    assert!(seen.len() > 10, "{seen:?}");
    stage.close().await;
}

/// Both together, so each of them too; LiveKit's client is not counted.
#[test]
fn the_pages_are_small_enough_for_a_slow_link() {
    const BYTES_MAX: u64 = 300_000;
    let folders = ["web", "web/css", "web/js", "web/js/admin", "web/js/join"];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).expect("a folder"));
    let sizes = files.map(|file| file.and_then(|file| file.metadata()).expect("a file"));
    let bytes: u64 = sizes.filter(|file| file.is_file()).map(|file| file.len()).sum();
    assert!((10_000..BYTES_MAX).contains(&bytes), "{bytes} bytes");
}

fn imported(line: &str) -> Option<&str> {
    let from = line.split_once(" from '")?.1;
    from.split_once('\'').map(|(path, _)| path)
}

fn resolve(module: &str, import: &str) -> String {
    let mut folders: Vec<&str> = module.split('/').collect();
    folders.pop();
    for part in import.split('/') {
        match part {
            "." => {}
            ".." => drop(folders.pop()),
            part => folders.push(part),
        }
    }
    folders.join("/")
}

#[tokio::test]
async fn a_browser_that_has_a_file_is_not_sent_it_again() {
    let stage = Stage::open().await;
    let first = get(stage.at, "/assets/css/base.css").await;
    let tag = first.header("etag").to_owned();
    let again =
        client::ask(stage.at, "GET", "/assets/css/base.css", &[("if-none-match", &tag)], "").await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    stage.close().await;
}

#[tokio::test]
async fn nothing_outside_the_pages_is_served() {
    let stage = Stage::open().await;
    for path in
        ["/nope", "/assets/", "/assets/package.json", "/assets/../Cargo.toml", "/assets/%2e%2e/x"]
    {
        let answer = get(stage.at, path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.json()["error"], "there is no such page");
    }
    stage.close().await;
}

#[tokio::test]
async fn the_probes_tell_serving_from_ready() {
    let stage = Stage::open().await;
    assert_eq!(get(stage.at, "/healthz").await.status, 200);
    stage.publisher.update(|status| status.ready = false);
    let waiting = get(stage.at, "/readyz").await;
    assert_eq!((waiting.status, waiting.body.as_str()), (503, "1 of 2 personas are hosted\n"));
    stage.publisher.update(|status| status.ready = true);
    assert_eq!(get(stage.at, "/readyz").await.status, 200);
    stage.close().await;
}

#[tokio::test]
async fn pages_that_stay_open_do_not_hold_the_host_back() {
    let stage = Stage::open().await;
    let mut feed = client::Feed::open(stage.at).await;
    assert_eq!(feed.next().await.kind, "snapshot");
    stage.close().await;
    assert!(feed.ended().await);
}
