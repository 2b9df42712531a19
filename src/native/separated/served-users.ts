import { readFileSync } from 'node:fs'

const NUMBER = /^(?:0|[1-9]\d{0,9})$/
/** `(uid_t) -1` means nobody to the kernel. */
const LARGEST_UID = 2 ** 32 - 2

/** The number of a user that is written as a name or a number. Throws where this machine's /etc/passwd does not have the name. */
export function uidOf(user: string, passwd: () => string = () => readFileSync('/etc/passwd', 'utf8')): number {
  if (NUMBER.test(user)) {
    const uid = Number(user)
    if (uid > LARGEST_UID) throw new Error(`${user} is no number of a user`)
    return uid
  }
  for (const line of passwd().split('\n')) {
    const [name, , uid] = line.split(':')
    if (name === user && uid !== undefined && NUMBER.test(uid)) return Number(uid)
  }
  throw new Error(
    `/etc/passwd has no user ${JSON.stringify(user)}; one of a directory service is named by its number (id -u)`,
  )
}
