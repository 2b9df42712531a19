/** What stands in the place of a secret. */
export const REDACTED = '[REDACTED]'

export interface SecretOptions {
  readonly of: RegExp
  /** Options whose value, the next argument, is a secret. */
  readonly followed?: RegExp
  /** An argument of option and secret; the first group stays. */
  readonly attached?: RegExp
  /** What stays of a value that follows: the user of `user:password`. */
  readonly keeps?: (value: string) => string
}

/** `user` of `user:password`, and where there is no colon, a user whose password is asked for. */
const user = (value: string): string =>
  value.includes(':') ? `${value.slice(0, value.indexOf(':'))}:${REDACTED}` : value

/** A password, unless it is ports: `-p` is of `docker login` and of `docker run`. */
const unlessPorts = (value: string): string => (/^[\d.:[\]-]+(?:\/(?:tcp|udp|sctp))?$/.test(value) ? value : REDACTED)

/** Options of one letter whose values are secrets, by program. Those of whole words are known by their names. */
export const SECRET_OPTIONS: readonly SecretOptions[] = [
  { of: /^(?:mysql|mariadb)/, attached: /^(-p)./s },
  { of: /^curl$/, followed: /^(?:-u|--user|-U|--proxy-user)$/, keeps: user, attached: /^(-[uU][^:]*:)./s },
  { of: /^(?:redis|valkey|keydb)-cli$/, followed: /^-a$/ },
  { of: /^mongo/, followed: /^-p$/, attached: /^(-p)./s },
  { of: /^ldap/, followed: /^-w$/, attached: /^(-w)./s },
  { of: /^(?:sqlcmd|bcp|isql)$/, followed: /^-P$/, attached: /^(-P)./s },
  { of: /^(?:sshpass|useradd|usermod)$/, followed: /^-p$/, attached: /^(-p)./s },
  { of: /^(?:zip|unzip)$/, followed: /^-P$/, attached: /^(-P)./s },
  { of: /^7z[ar]?$/, attached: /^(-p)./s },
  { of: /^openssl$/, followed: /^-(?:pass|passin|passout|k|K)$/ },
  { of: /^(?:docker|podman|nerdctl|buildah|skopeo|helm)$/, followed: /^-p$/, keeps: unlessPorts },
  { of: /^(?:smbclient|rpcclient|smbmap)$/, followed: /^-U$/, keeps: (value) => value.replace(/%.*/s, `%${REDACTED}`) },
  { of: /^x?freerdp/, attached: /^(\/p:)./s },
]
