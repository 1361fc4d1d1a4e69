//! The guest's agent: runs commands for the host (`qemu-env/ue exec`), one at a time on each of its virtio-serial
//! ports. It is part of the test environment only and no part of ProSeal.

#![forbid(unsafe_code)]

mod frame;
mod session;

use frame::{Kind, Next};
use session::Session;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

const PORTS: &str = "/sys/class/virtio-ports";
const PORT_NAME: &str = "proseal.agent.";

fn main() -> ExitCode {
    let ports = match find_ports() {
        Ok(ports) if !ports.is_empty() => ports,
        Ok(_) => return fail(&format!("{PORTS}: no port is named {PORT_NAME}N")),
        Err(error) => return fail(&format!("{PORTS}: {error}")),
    };
    let threads: Vec<_> = ports
        .into_iter()
        .map(|path| {
            thread::spawn(move || match serve(&path) {
                Ok(never) => match never {},
                Err(error) => eprintln!("ue-agent: {}: {error}", path.display()),
            })
        })
        .collect();
    for thread in threads {
        if thread.join().is_err() {
            eprintln!("ue-agent: a port's thread panicked");
        }
    }
    ExitCode::FAILURE
}

fn fail(text: &str) -> ExitCode {
    eprintln!("ue-agent: {text}");
    ExitCode::FAILURE
}

fn find_ports() -> io::Result<Vec<PathBuf>> {
    let mut ports = Vec::new();
    for entry in fs::read_dir(PORTS)? {
        let entry = entry?;
        let name = fs::read_to_string(entry.path().join("name")).unwrap_or_default();
        if name.starts_with(PORT_NAME) {
            ports.push(PathBuf::from("/dev").join(entry.file_name()));
        }
    }
    Ok(ports)
}

enum Never {}

/// Reads one port for ever. Dropping a session kills its command.
fn serve(path: &PathBuf) -> io::Result<Never> {
    let mut port = File::options().read(true).write(true).open(path)?;
    let mut session: Option<Session> = None;
    let mut greeted = false;
    frame::wait_for_host(&mut port)?;
    loop {
        match frame::read(&mut port)? {
            Next::Frame(Kind::Hello, token) => {
                drop(session.take());
                frame::write(&mut port, Kind::Hello, &token)?;
                greeted = true;
            }
            Next::Frame(Kind::Exec, words) if greeted => {
                drop(session.take());
                session = Some(Session::start(&port, &words)?);
                greeted = false;
            }
            Next::Frame(Kind::Input, bytes) => {
                if let Some(session) = &session {
                    session.input(bytes);
                }
            }
            Next::Frame(Kind::Close, _) => {
                if let Some(session) = &mut session {
                    session.close_input();
                }
            }
            Next::Frame(..) | Next::Garbage => {
                drop(session.take());
                frame::drain(&mut port)?;
                frame::wait_for_host(&mut port)?;
            }
            Next::HangUp => {
                drop(session.take());
                greeted = false;
                frame::wait_for_host(&mut port)?;
            }
        }
    }
}
