import type { Control, ExtensionContext } from '../../plugin.ts'
import type { Answer } from './answer.ts'
import type { Route } from './route.ts'

/** What there is, for who comes with a browser. Nothing is loaded from anywhere. */
export function page(routes: readonly Route[], control: Control, { host }: ExtensionContext): Answer {
  const rows = routes.map((route) => `<tr><td>${route.method}<td>${linkTo(route)}<td>${marked(route.summary)}`)
  const body = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Telegen</title>
<style>body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}td{padding:.2em 1em .2em 0;vertical-align:top}</style>
<h1>Telegen ${escaped(control.version)}</h1>
<p>${host.ready ? 'Everything is ready.' : 'It is starting or stopping.'} Up since ${new Date(host.startTime).toISOString()}.
<table>
${rows.join('\n')}
</table>
</html>
`
  return { status: 200, type: 'text/html', body }
}

function linkTo({ method, path, example = path }: Route): string {
  const shown = escaped(example)
  return method === 'GET' ? `<a href="${shown}">${shown}</a>` : shown
}

const marked = (sentence: string): string => escaped(sentence).replace(/`([^`]*)`/g, '<code>$1</code>')

const escaped = (written: string): string => written.replace(/[&<>"]/g, (character) => `&#${character.codePointAt(0)};`)
