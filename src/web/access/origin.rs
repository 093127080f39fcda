//! The address that a request came from.

use std::net::IpAddr;

use poem::Request;
use poem::http::HeaderMap;

/// The address of the client: that of the connection, or, where that is a trusted proxy, the last
/// one in `X-Forwarded-For` that is not. `None` when there is no connection to ask.
pub(super) fn address(request: &Request, trusted: &[IpAddr]) -> Option<IpAddr> {
    let peer = request.remote_addr().as_socket_addr().map(std::net::SocketAddr::ip);
    peer.map(|peer| behind(peer.to_canonical(), request.headers(), trusted))
}

fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.contains(address);
    if !is_trusted(&peer) {
        return peer;
    }
    // Each proxy adds the address that it saw, so the list is read from its end; what stands
    // before the first stranger may be made up.
    let lines: Vec<&str> =
        headers.get_all("X-Forwarded-For").iter().filter_map(|line| line.to_str().ok()).collect();
    let mut nearest = peer;
    for part in lines.join(",").rsplit(',') {
        let Ok(address) = part.trim().parse::<IpAddr>() else { break };
        nearest = address.to_canonical();
        if !is_trusted(&nearest) {
            break;
        }
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("X-Forwarded-For", line.parse().expect("a header value"));
        }
        let address = |text: &str| text.parse().expect("an address");
        let trusted: Vec<IpAddr> = trusted.iter().map(|text| address(text)).collect();
        behind(address(peer), &headers, &trusted).to_string()
    }

    #[test]
    fn a_proxy_is_believed_only_when_it_is_trusted() {
        assert_eq!(told("10.0.0.9", &["1.2.3.4"], &[]), "10.0.0.9");
        assert_eq!(told("10.0.0.9", &["1.2.3.4"], &["10.0.0.8"]), "10.0.0.9");
        assert_eq!(told("10.0.0.9", &["1.2.3.4"], &["10.0.0.9"]), "1.2.3.4");
        assert_eq!(told("10.0.0.9", &[], &["10.0.0.9"]), "10.0.0.9");
    }

    #[test]
    fn what_a_client_made_up_is_not_believed() {
        let chain = ["8.8.8.8, 1.2.3.4", "10.0.0.8"];
        assert_eq!(told("10.0.0.9", &chain, &["10.0.0.9", "10.0.0.8"]), "1.2.3.4");
        assert_eq!(told("10.0.0.9", &["8.8.8.8, nonsense"], &["10.0.0.9"]), "10.0.0.9");
    }
}
