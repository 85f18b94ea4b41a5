//! A server on this machine that misbehaves as it is told, one instruction for each connection.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Answer to the next request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    /// The file, or the range asked for.
    Serve,
    /// The whole file, whatever was asked for.
    IgnoreRange,
    /// The file up to this byte, then hang up; the length announced is that of the whole.
    BreakOffAt(usize),
    /// As `BreakOffAt`, but silent instead of hung up.
    StallAt(usize),
    /// The file up to this byte, then a byte every 10 ms.
    DripAt(usize),
    /// The file under another announced length.
    AnnounceLength(usize),
    /// As many wrong bytes, the announced length being right.
    WrongBytes,
    /// The file without a length, ended by hanging up, with this many bytes too many.
    Endless(usize),
    /// The rest of the file under the header of another range.
    WrongRange,
    /// An error page with a status.
    Status(u16),
    /// Hang up without a word.
    HangUp,
    /// Bytes that are no HTTP.
    Garbage,
}

pub(super) struct Server {
    pub(super) url: String,
    /// The first byte that each request asked for.
    pub(super) starts: Arc<Mutex<Vec<usize>>>,
}

impl Server {
    /// Serves `content` under every path; after the last act it serves as it should.
    pub(super) fn new(content: &'static [u8], acts: &'static [Act]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a local test server does not fail");
        let url = format!(
            "http://{}/",
            listener
                .local_addr()
                .expect("a local test server does not fail")
        );
        let starts = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&starts);
        // The thread ends with the test process.
        thread::spawn(move || {
            let acts = acts.iter().copied().chain(std::iter::repeat(Act::Serve));
            for (stream, act) in listener.incoming().zip(acts) {
                let seen = Arc::clone(&seen);
                thread::spawn(move || {
                    answer(
                        stream.expect("a local test server does not fail"),
                        act,
                        content,
                        &seen,
                    );
                });
            }
        });
        Self { url, starts }
    }

    pub(super) fn starts(&self) -> Vec<usize> {
        self.starts
            .lock()
            .expect("a local test server does not fail")
            .clone()
    }
}

fn answer(mut stream: TcpStream, act: Act, content: &[u8], seen: &Mutex<Vec<usize>>) {
    let start = match act {
        // What a secure client says first has no lines to wait for.
        Act::Garbage => 0,
        _ => requested_start(&stream),
    };
    seen.lock()
        .expect("a local test server does not fail")
        .push(start);
    // A client that has seen enough hangs up; that is not the server's failure.
    let _ = act_on(&mut stream, act, content, start);
}

fn requested_start(stream: &TcpStream) -> usize {
    let mut start = 0;
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.to_lowercase().strip_prefix("range: bytes=") {
            start = range
                .trim_end_matches('-')
                .parse()
                .expect("a local test server does not fail");
        }
    }
    start
}

fn act_on(stream: &mut TcpStream, act: Act, content: &[u8], start: usize) -> std::io::Result<()> {
    let whole = content.len();
    let head = |length: usize| {
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")
    };
    let range = |first: usize| {
        format!(
            "HTTP/1.1 206 Partial Content\r\nContent-Length: {}\r\nContent-Range: bytes {first}-{}/{whole}\r\nConnection: close\r\n\r\n",
            whole - start,
            whole - 1
        )
    };
    let right_head = if start > 0 { range(start) } else { head(whole) };
    let mut send = |head: &str, body: &[u8]| {
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        stream.flush()
    };
    match act {
        Act::Serve if start >= whole => {
            let range = format!("Content-Range: bytes */{whole}\r\nContent-Length: 0");
            let head = format!("HTTP/1.1 416 No\r\n{range}\r\nConnection: close\r\n\r\n");
            send(&head, b"")
        }
        Act::Serve => send(&right_head, &content[start..]),
        Act::IgnoreRange => send(&head(whole), content),
        Act::BreakOffAt(end) => send(&right_head, &content[start..end]),
        Act::StallAt(end) => {
            send(&right_head, &content[start..end])?;
            thread::sleep(Duration::from_secs(20));
            Ok(())
        }
        Act::DripAt(end) => {
            send(&right_head, &content[start..end])?;
            for byte in &content[end..] {
                thread::sleep(Duration::from_millis(10));
                send("", &[*byte])?;
            }
            Ok(())
        }
        Act::AnnounceLength(length) => send(&head(length), content),
        Act::WrongBytes => send(&head(whole), &vec![b'#'; whole]),
        Act::Endless(extra) => send(
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
            &[content, &vec![0; extra]].concat(),
        ),
        Act::WrongRange => send(&range(start + 1), &content[start..]),
        Act::Status(status) => send(
            &format!("HTTP/1.1 {status} No\r\nContent-Length: 13\r\nConnection: close\r\n\r\n"),
            b"<html>no</h>\n",
        ),
        Act::HangUp => Ok(()),
        Act::Garbage => send("SSH-2.0-OpenSSH_9.2\r\n", b""),
    }
}
