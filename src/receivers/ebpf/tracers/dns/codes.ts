/** Names of DNS parameters, as IANA has them (dns-parameters). */

/** `A`; `TYPE1234` where it has no name here (RFC 3597). */
export const typeName = (type: number): string => TYPES.get(type) ?? `TYPE${type}`
/** `NXDOMAIN`; `RCODE12` where it has no name. */
export const responseName = (code: number): string => RESPONSES.get(code) ?? `RCODE${code}`
/** `UPDATE`; `OPCODE7` where it has no name. */
export const operationName = (code: number): string => OPERATIONS.get(code) ?? `OPCODE${code}`

export const TYPE_A = 1
export const TYPE_AAAA = 28
/** EDNS, in the additional records. */
export const TYPE_OPT = 41
export const NO_ERROR = 0
export const OPERATION_QUERY = 0

const TYPES: ReadonlyMap<number, string> = new Map([
  [TYPE_A, 'A'],
  [2, 'NS'],
  [5, 'CNAME'],
  [6, 'SOA'],
  [12, 'PTR'],
  [13, 'HINFO'],
  [15, 'MX'],
  [16, 'TXT'],
  [17, 'RP'],
  [18, 'AFSDB'],
  [24, 'SIG'],
  [25, 'KEY'],
  [TYPE_AAAA, 'AAAA'],
  [29, 'LOC'],
  [33, 'SRV'],
  [35, 'NAPTR'],
  [36, 'KX'],
  [37, 'CERT'],
  [39, 'DNAME'],
  [TYPE_OPT, 'OPT'],
  [43, 'DS'],
  [44, 'SSHFP'],
  [45, 'IPSECKEY'],
  [46, 'RRSIG'],
  [47, 'NSEC'],
  [48, 'DNSKEY'],
  [49, 'DHCID'],
  [50, 'NSEC3'],
  [51, 'NSEC3PARAM'],
  [52, 'TLSA'],
  [53, 'SMIMEA'],
  [55, 'HIP'],
  [59, 'CDS'],
  [60, 'CDNSKEY'],
  [61, 'OPENPGPKEY'],
  [62, 'CSYNC'],
  [63, 'ZONEMD'],
  [64, 'SVCB'],
  [65, 'HTTPS'],
  [99, 'SPF'],
  [108, 'EUI48'],
  [109, 'EUI64'],
  [249, 'TKEY'],
  [250, 'TSIG'],
  [251, 'IXFR'],
  [252, 'AXFR'],
  [255, 'ANY'],
  [256, 'URI'],
  [257, 'CAA'],
])

const RESPONSES: ReadonlyMap<number, string> = new Map([
  [NO_ERROR, 'NOERROR'],
  [1, 'FORMERR'],
  [2, 'SERVFAIL'],
  [3, 'NXDOMAIN'],
  [4, 'NOTIMP'],
  [5, 'REFUSED'],
  [6, 'YXDOMAIN'],
  [7, 'YXRRSET'],
  [8, 'NXRRSET'],
  [9, 'NOTAUTH'],
  [10, 'NOTZONE'],
  [11, 'DSOTYPENI'],
  [16, 'BADVERS'],
  [23, 'BADCOOKIE'],
])

const OPERATIONS: ReadonlyMap<number, string> = new Map([
  [OPERATION_QUERY, 'QUERY'],
  [1, 'IQUERY'],
  [2, 'STATUS'],
  [4, 'NOTIFY'],
  [5, 'UPDATE'],
  [6, 'DSO'],
])
