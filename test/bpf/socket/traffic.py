"""Traffic over TCP, each way of sending and receiving by its name. Waits for a line, and then prints as JSON what moved over which ports."""

import json
import os
import socket
import sys
import tempfile
import threading

HEAD = b"POST /%s HTTP/1.1\r\nHost: here\r\nContent-Length: 12\r\n\r\n"
BODY = b"last12345678"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
BUFFER = 1 << 20


def cut(data, *at):
    edges = [0, *at, len(data)]
    return [data[a:b] for a, b in zip(edges, edges[1:])]


def send_file(connection, data):
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        moved = 0
        while moved < len(data):
            moved += os.sendfile(connection.fileno(), file.fileno(), moved, len(data) - moved)


def peek_first(connection):
    connection.recv(10, socket.MSG_PEEK)
    return connection.recv(BUFFER)


def readv(connection):
    parts = [bytearray(5), bytearray(7), bytearray(BUFFER)]
    count = os.readv(connection.fileno(), parts)
    return b"".join(parts)[:count]


SENDERS = {
    "write": lambda c, data: os.write(c.fileno(), data),
    "send": lambda c, data: c.sendall(data),
    "writev": lambda c, data: os.writev(c.fileno(), [b"", *cut(data, 3, 9, 30)]),
    "sendmsg": lambda c, data: c.sendmsg(cut(data, 2, 40)),
    "pieces": lambda c, data: [c.sendall(piece) for piece in cut(data, 2, 5, 25)],
    "sendfile": lambda c, data: (c.sendall(cut(data, 20)[0]), send_file(c, cut(data, 20)[1])),
}
RECEIVERS = {
    "read": lambda c: os.read(c.fileno(), BUFFER),
    "recv": lambda c: c.recv(BUFFER),
    "readv": readv,
    "recvmsg": lambda c: c.recvmsg(BUFFER)[0],
    "recvmsg_into": lambda c: receive_into(c),
    "peek": peek_first,
    "small": lambda c: c.recv(7),
}


def receive_into(connection):
    parts = [bytearray(9), bytearray(BUFFER)]
    count = connection.recvmsg_into(parts)[0]
    return b"".join(parts)[:count]


def receive(connection, receiver, length):
    data = b""
    while len(data) < length:
        got = receiver(connection)
        if not got:
            break
        data += got
    return data


def exchange(listener, family, address, sender, receiver, request, answer, rounds):
    client = socket.socket(family)
    client.connect(address)
    server, _ = listener.accept()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for _ in range(rounds):
        other = threading.Thread(target=SENDERS[sender], args=(client, request))
        other.start()
        assert receive(server, RECEIVERS[receiver], len(request)) == request
        other.join()
        SENDERS[sender](server, answer)
        assert receive(client, RECEIVERS[receiver], len(answer)) == answer
    result = {"client": client.getsockname()[1], "server": server.getsockname()[1]}
    client.close()
    server.close()
    return result


def main():
    sender, receiver, kind, rounds, body = sys.argv[1:6]
    sys.stdin.readline()
    family = socket.AF_INET if kind == "ipv4" else socket.AF_INET6
    listener = socket.socket(family)
    if kind == "mapped":
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind({"ipv4": ("127.0.0.1", 0), "ipv6": ("::1", 0), "mapped": ("::", 0)}[kind])
    listener.listen()
    address = listener.getsockname()
    if kind == "mapped":
        family, address = socket.AF_INET, ("127.0.0.1", address[1])
    request = HEAD % kind.encode() + (b"x" * int(body) if body.isdigit() else BODY)
    answer = ANSWER
    if body == "none":
        request, answer = b"\x16\x03\x01 not a protocol of ours", b"nor this"
    ports = exchange(listener, family, address, sender, receiver, request, answer, int(rounds))
    print(json.dumps({**ports, "request": request.decode("latin1"), "answer": answer.decode("latin1")}), flush=True)


main()
