use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::fixture::{GROUP, HOUR, Manager};
use crate::server::Site;

#[test]
fn a_database_is_checked_with_its_key_file() {
    let (manager, radios) = Manager::with_members(2, "");
    radios[0].import(&manager.package(1)).unwrap();
    let said = manager.done("check");
    assert_eq!(
        (&said["devices"], &said["groups"], &said["keys"]),
        (&2.into(), &1.into(), &2.into())
    );
    let key = manager.home().join("key");
    let octets = fs::read(&key).unwrap();
    fs::write(&key, [8; 32]).unwrap();
    assert_eq!(manager.refused("check"), "bad_key_file");
    fs::write(&key, octets).unwrap();
    manager.done("check");
}

#[test]
fn a_backup_is_whole_while_radios_join_and_another_database_is_not_put_back_under_a_server() {
    let site = Site::new("");
    if site.manager.database.url().is_some() {
        assert_eq!(site.manager.refused("backup --out @b"), "usage");
        assert_eq!(site.manager.refused("restore @b --yes"), "usage");
        return;
    }
    let radios: Vec<_> = (1..=6).map(|n| site.radio(n)).collect();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for radio in radios.iter().cycle() {
                let online = site.online(radio);
                online.take(&online.ask(&format!("groups/{GROUP}/join"), None).done()["package"]);
                online.ask("receipt", None).done();
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        for n in 0..5 {
            site.manager.done(&format!("backup --out @b{n}"));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let mode = fs::metadata(site.manager.path("b0")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(site.manager.refused("backup --out @b0"), "bad_file");
    assert_eq!(site.manager.refused("restore @b0 --yes"), "bad_home");
    // Each of them is a manager's whole database, in a folder of its own.
    for n in 0..5 {
        let other = Manager::none();
        fs::create_dir(other.home()).unwrap();
        fs::set_permissions(other.home(), fs::Permissions::from_mode(0o700)).unwrap();
        fs::copy(site.manager.home().join("key"), other.home().join("key")).unwrap();
        fs::copy(site.manager.path(&format!("b{n}")), other.path("b")).unwrap();
        let said = other.done("restore @b --yes");
        assert_eq!((&said["devices"], &said["keys"]), (&6.into(), &2.into()));
        other.done("check");
    }
}

#[test]
fn what_is_no_backup_or_another_managers_takes_nothing_away() {
    let (manager, _radios) = Manager::with_members(1, "");
    if manager.database.url().is_some() {
        return;
    }
    manager.back_up();
    let backup = fs::read(manager.path("backup")).unwrap();
    let other = Manager::new();
    other.back_up();
    fs::copy(other.path("backup"), manager.path("other")).unwrap();
    fs::write(manager.path("half"), &backup[..backup.len() / 2]).unwrap();
    fs::write(manager.path("nothing"), []).unwrap();
    let before = manager.done("group list");
    for file in ["other", "half", "nothing", "none"] {
        assert!(manager.run(&format!("restore @{file} --yes")).is_err(), "{file}");
        assert_eq!(manager.done("group list"), before, "{file}");
        let left = fs::read_dir(manager.home()).unwrap();
        let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
        assert!(left.map(|entry| name(entry.unwrap())).all(|name| !name.contains("draft")));
    }
    // Not without a yes.
    assert_eq!(manager.refused("restore @backup"), "usage");
    manager.pass(HOUR);
    manager.done(&format!("key rotate {GROUP}"));
    assert_ne!(manager.done("group list"), before);
    manager.done("restore @backup --yes");
    assert_eq!(manager.done("group list"), before);
    assert!(manager.home().join("manager.db.replaced").exists());
}
