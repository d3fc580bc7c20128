//! The network of the sandbox: a loopback interface to which every address belongs, and our own listeners on it.
//!
//! Nothing else is in the network namespace, so nothing can leave it, whatever a filter or a race lets through.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use super::sys::{self, check};

/// The port of the listeners that take what was meant for other machines.
pub const SINK: u16 = 3;

/// The listeners. Those for IPv6 are missing where the kernel has none.
#[derive(Default)]
pub struct Listeners {
    /// UDP port 53: the name server.
    pub dns: Vec<OwnedFd>,
    /// UDP: datagrams for other machines.
    pub udp: Vec<OwnedFd>,
    /// TCP: connections to other machines.
    pub tcp: Vec<OwnedFd>,
}

/// The bytes of a `sockaddr`.
pub fn sockaddr(address: SocketAddr) -> Vec<u8> {
    let mut out = Vec::with_capacity(28);
    match address {
        SocketAddr::V4(v4) => {
            out.extend((libc::AF_INET as u16).to_ne_bytes());
            out.extend(v4.port().to_be_bytes());
            out.extend(v4.ip().octets());
            out.extend([0; 8]);
        }
        SocketAddr::V6(v6) => {
            out.extend((libc::AF_INET6 as u16).to_ne_bytes());
            out.extend(v6.port().to_be_bytes());
            out.extend(v6.flowinfo().to_be_bytes());
            out.extend(v6.ip().octets());
            out.extend(0u32.to_ne_bytes());
        }
    }
    out
}

/// The address in the bytes of a `sockaddr`, if it is one of the internet.
pub fn parse(bytes: &[u8]) -> Option<SocketAddr> {
    let family = u16::from_ne_bytes(bytes.get(..2)?.try_into().ok()?);
    let port = u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?);
    match i32::from(family) {
        libc::AF_INET => Some((Ipv4Addr::from(<[u8; 4]>::try_from(bytes.get(4..8)?).ok()?), port).into()),
        libc::AF_INET6 => Some((Ipv6Addr::from(<[u8; 16]>::try_from(bytes.get(8..24)?).ok()?), port).into()),
        _ => None,
    }
}

/// Sets the namespace of this process up and opens the listeners.
pub fn set_up() -> io::Result<Listeners> {
    loopback_up()?;
    all_addresses_are_local(libc::AF_INET, 4)?;
    let six = all_addresses_are_local(libc::AF_INET6, 16).is_ok();
    let mut listeners = Listeners::default();
    for any in [SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)), SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))] {
        if any.is_ipv6() && !six {
            continue;
        }
        let open = |kind, port| -> io::Result<OwnedFd> {
            let (family, mut address) = (if any.is_ipv6() { libc::AF_INET6 } else { libc::AF_INET }, any);
            address.set_port(port);
            let socket = sys::socket(family, kind | libc::SOCK_NONBLOCK, 0)?;
            if any.is_ipv6() {
                sys::set_socket_option(socket.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 1)?;
            }
            if kind == libc::SOCK_DGRAM {
                // Answers must come from the address that was asked.
                let (level, name) = match any.is_ipv6() {
                    true => (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO),
                    false => (libc::IPPROTO_IP, libc::IP_PKTINFO),
                };
                sys::set_socket_option(socket.as_fd(), level, name, 1)?;
            }
            sys::bind(socket.as_fd(), &sockaddr(address))?;
            if kind == libc::SOCK_STREAM {
                sys::listen(socket.as_fd(), 4096)?;
            }
            Ok(socket)
        };
        listeners.dns.push(open(libc::SOCK_DGRAM, 53)?);
        listeners.udp.push(open(libc::SOCK_DGRAM, SINK)?);
        listeners.tcp.push(open(libc::SOCK_STREAM, SINK)?);
    }
    Ok(listeners)
}

fn loopback_up() -> io::Result<()> {
    let socket = sys::socket(libc::AF_INET, libc::SOCK_DGRAM, 0)?;
    // SAFETY: an all-zero ifreq is valid.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[0] = b'l' as libc::c_char;
    request.ifr_name[1] = b'o' as libc::c_char;
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the request has the form that SIOCSIFFLAGS asks for.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &request) }.into()).map(drop)
}

/// `ip route add local default dev lo table local`.
fn all_addresses_are_local(family: libc::c_int, _bytes: usize) -> io::Result<()> {
    const LOOPBACK: u32 = 1; // its index in every new network namespace
    let socket = sys::socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE)?;
    let mut message = Vec::new();
    // struct nlmsghdr: length, type, flags, sequence, port.
    message.extend(36u32.to_ne_bytes());
    message.extend(libc::RTM_NEWROUTE.to_ne_bytes());
    let flags = libc::NLM_F_REQUEST | libc::NLM_F_ACK | libc::NLM_F_CREATE | libc::NLM_F_EXCL;
    message.extend((flags as u16).to_ne_bytes());
    message.extend([0; 8]);
    // struct rtmsg: family, lengths of destination and source, type of service, table, protocol, scope, type, flags.
    message.extend([
        family as u8,
        0,
        0,
        0,
        libc::RT_TABLE_LOCAL,
        libc::RTPROT_STATIC,
        libc::RT_SCOPE_HOST,
        libc::RTN_LOCAL,
    ]);
    message.extend([0; 4]);
    // The output interface.
    message.extend(8u16.to_ne_bytes());
    message.extend(libc::RTA_OIF.to_ne_bytes());
    message.extend(LOOPBACK.to_ne_bytes());
    sys::send(socket.as_fd(), &message, &[])?;
    let mut answer = [0; 256];
    let got = sys::read(socket.as_fd(), &mut answer)?;
    // struct nlmsgerr: the header, then the error, 0 or negative.
    match answer[..got].get(16..20).and_then(|code| code.try_into().ok()).map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(code) => Err(io::Error::from_raw_os_error(-code)),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
