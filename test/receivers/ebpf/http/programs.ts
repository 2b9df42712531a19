import type { SpanFields } from '../../../../src/plugin.ts'

/** Programs of `node -e` whose traffic is looked at. Each prints a line when it is ready, and does its work when told to go on. */

/** Answers `/back…` itself, and anything else after asking itself for `/back/7`; `/fail…` with 500. */
export const frontAndBack = (port: number): string => `
const http = require('http')
http.createServer((request, response) => {
  if (request.url.startsWith('/back')) return request.resume().on('end', () => { response.write('part'); response.end('rest') })
  http.get({ port: ${port}, path: '/back/7', agent: false }, (answer) => answer.resume().on('end', () => {
    response.statusCode = request.url.startsWith('/fail') ? 500 : 200
    response.end('x'.repeat(50000))
  }))
}).listen(${port}, '127.0.0.1', () => console.log('ready'))`

/** The status says which request it answers. */
export const numbered = (port: number): string => `
require('http').createServer((request, response) => {
  response.statusCode = 200 + Number(request.url.slice(1)) % 97
  response.end(request.url)
}).listen(${port}, '127.0.0.1', () => console.log('ready'))`

/** Asks so often, over so many connections that are kept alive. */
export const asking = (port: number, requests: number, connections: number): string => `
const http = require('http')
const agent = new http.Agent({ keepAlive: true, maxSockets: ${connections} })
let begun = 0, done = 0
const one = () => {
  if (begun === ${requests}) return
  http.get({ port: ${port}, path: '/' + begun++, agent }, (answer) => answer.resume().on('end', () => {
    if (++done === ${requests}) process.exit()
    one()
  }))
}
console.log('ready')
process.stdin.once('data', () => { for (let index = 0; index < ${connections}; index++) one() })`

/** Asks for paths, one after the other. */
export const visiting = (port: number, requests: readonly object[]): string => `
const http = require('http')
const requests = ${JSON.stringify(requests)}
const next = () => {
  const { body, ...options } = requests.shift() ?? process.exit()
  http.request({ port: ${port}, agent: false, ...options }, (answer) => answer.resume().on('end', next)).end(body)
}
console.log('ready')
process.stdin.once('data', next)`

/** The path of a span, of either side. */
export function pathOf({ attributes }: SpanFields): string {
  const path = attributes!['url.path'] ?? new URL(attributes!['url.full'] as string).pathname
  return path as string
}
