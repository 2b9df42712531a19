import { getSystemErrorMap } from 'node:util'
import type { NativeError, ProbeResult } from './addon.ts'

const DID: Readonly<Record<string, string>> = {
  open: 'could not be opened',
  load: 'was refused by the kernel',
  attach: 'could not be attached',
  'create map': 'could not be made',
}

/** What the user is told of a program or map that failed: `the program tcp_sendmsg could not be attached: ENOENT (no such file or directory)`. */
export function reasonOf(thrown: unknown): string {
  if (!isNativeError(thrown)) return (thrown as Error).message
  const { step, subject, code } = thrown
  // What libbpf says of a function or tracepoint that the kernel's BTF lacks.
  if (code === 'ESRCH' && subject !== undefined)
    return `this kernel does not have what the program ${subject} attaches to`
  const did = DID[step]
  const thing = step === 'create map' ? 'map' : 'program'
  if (did === undefined || subject === undefined) return `${step}${subject ? ` ${subject}` : ''}: ${told(code)}`
  return `the ${thing} ${subject} ${did}: ${told(code)}`
}

/** `fentry programs do not load here: EPERM (operation not permitted)`. */
export function reasonOfProbe(result: ProbeResult & { readonly ok: false }): string {
  const { type, step, code, reason } = result
  const kind = type === 'ringbuf' ? 'ring buffers' : `${type} programs`
  const verb = step === 'attach' ? 'do not attach' : step === 'load' ? 'do not load' : 'do not work'
  return `${kind} ${verb} here: ${code} (${reason.charAt(0).toLowerCase()}${reason.slice(1)})`
}

export const isNativeError = (thrown: unknown): thrown is NativeError =>
  thrown instanceof Error && typeof (thrown as Partial<NativeError>).step === 'string'

/** `ENOENT (no such file or directory)`. */
function told(code: string): string {
  // Node knows one name of each number.
  const known = code === 'EOPNOTSUPP' ? 'ENOTSUP' : code
  for (const [name, words] of getSystemErrorMap().values()) if (name === known) return `${code} (${words})`
  return code
}
