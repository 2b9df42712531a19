/** Programs of the tests: each prints one line of JSON about what it saw itself. */

/** Listens at the address and port, says so, and forks for each connection a process that answers `size` bytes to what it reads until the end. */
export const SERVER = `
import json, os, socket, sys
host, port, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
family = socket.AF_INET6 if ':' in host else socket.AF_INET
s = socket.socket(family, socket.SOCK_STREAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((host, port)); s.listen(512)
print(json.dumps({'pid': os.getpid()}), flush=True)
while True:
    c, _ = s.accept()
    if os.fork() == 0:
        s.close()
        read = 0
        while True:
            data = c.recv(65536)
            if not data: break
            read += len(data)
        c.sendall(b'x' * size)
        c.close()
        print(json.dumps({'pid': os.getpid(), 'read': read}), flush=True)
        os._exit(0)
    c.close()
    try:
        while os.waitpid(-1, os.WNOHANG)[0]: pass
    except ChildProcessError: pass
`

/** Sends so many bytes, ends its half, reads to the end. */
export const CLIENT = `
import json, os, socket, sys, time
host, port, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
began = time.monotonic()
c = socket.create_connection((host, port))
local = c.getsockname()[1]
c.sendall(b'y' * size)
c.shutdown(socket.SHUT_WR)
read = 0
while True:
    data = c.recv(65536)
    if not data: break
    read += len(data)
c.close()
print(json.dumps({'pid': os.getpid(), 'read': read, 'local': local, 'took': time.monotonic() - began}))
`

/** Connects, and says which error that gave. */
export const FAILS = `
import errno, json, os, socket, sys
family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET
c = socket.socket(family, socket.SOCK_STREAM)
if len(sys.argv) > 3: c.settimeout(float(sys.argv[3]))
try:
    c.connect((sys.argv[1], int(sys.argv[2])))
    error = None
except TimeoutError as e: error = errno.errorcode[e.errno] if e.errno else 'own'
except OSError as e: error = errno.errorcode[e.errno]
c.close()
print(json.dumps({'pid': os.getpid(), 'error': error}))
`

/** Both ends of a connection that the accepting one resets. */
export const RESETS = `
import json, os, socket, struct, sys
s = socket.socket(); s.bind(('127.0.0.1', int(sys.argv[1]))); s.listen()
c = socket.create_connection(s.getsockname())
a, _ = s.accept()
c.sendall(b'hello'); a.recv(5)
a.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
a.close()
try: c.recv(1); error = None
except ConnectionResetError: error = 'ECONNRESET'
c.close()
print(json.dumps({'pid': os.getpid(), 'error': error}))
`

/** Both ends of a connection, open until its input ends. */
export const STAYS = `
import json, os, socket, sys
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', int(sys.argv[1]))); s.listen()
c = socket.create_connection(s.getsockname())
a, _ = s.accept()
print(json.dumps({'pid': os.getpid()}), flush=True)
sys.stdin.read()
`

/** Connects; sends for each line of its input; at its end says how often the kernel sent again, and closes. */
export const SENDS = `
import json, os, socket, struct, sys
c = socket.create_connection((sys.argv[1], int(sys.argv[2])))
print(json.dumps({'pid': os.getpid()}), flush=True)
for line in sys.stdin:
    c.sendall(b'z' * 1000)
    print(json.dumps({}), flush=True)
c.shutdown(socket.SHUT_WR)
while c.recv(65536): pass
info = c.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
print(json.dumps({'retransmits': struct.unpack_from('I', info, 100)[0]}), flush=True)
`

/** Opens so many connections one after the other, in node. */
export const MANY = `
const net = require('node:net')
const [port, count] = process.argv.slice(1).map(Number)
let left = count
const next = () => {
  if (left-- === 0) return console.log(JSON.stringify({ pid: process.pid }))
  net.connect(port, '127.0.0.1', function () { this.end('q') }).on('data', () => {}).on('close', next)
}
next()
`
