import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { declaredService, runtimeOf, serviceName } from '../../../../src/receivers/ebpf/processes/service-name.ts'

describe('The name of a service', () => {
  const names: readonly (readonly [executable: string, given: string, name: string])[] = [
    ['/usr/sbin/nginx', 'nginx -g daemon off;', 'nginx'],
    ['/usr/bin/node', 'node /srv/shop.js', 'shop'],
    ['/usr/bin/node', 'node --max-old-space-size=512 -r dotenv/config ./shop.mjs --port 80', 'shop'],
    ['/usr/bin/node', 'node /srv/shop/index.js', 'shop'],
    ['/usr/bin/node', 'node /srv/shop/dist/main.js', 'node'],
    ['/usr/bin/node', 'node index.js', 'node'],
    ['/usr/bin/node', 'node -e process.exit()', 'node'],
    ['/usr/bin/node', 'node', 'node'],
    ['/usr/bin/node', 'node -r', 'node'],
    ['/usr/bin/python3.11', 'python3 -u /opt/billing.py', 'billing'],
    ['/usr/bin/python3.11', 'python3 -m http.server 80', 'http.server'],
    ['/usr/bin/python3.11', 'python3 -Im gunicorn', 'gunicorn'],
    ['/usr/bin/python3.11', 'python3 -W ignore -X dev /opt/billing.py', 'billing'],
    ['/usr/bin/python3.11', 'python3 -Wignore /opt/billing/__main__.py', 'billing'],
    ['/usr/bin/python3.11', 'python3 -c print()', 'python3.11'],
    ['/usr/bin/python3.11', 'python3', 'python3.11'],
    ['/usr/lib/jvm/17/bin/java', 'java -Xmx1g -jar /opt/shop-1.4.2-SNAPSHOT.jar', 'shop'],
    ['/usr/lib/jvm/17/bin/java', 'java -cp /a:/b com.acme.Shop --port 80', 'com.acme.Shop'],
    ['/usr/lib/jvm/17/bin/java', 'java --module shop/com.acme.Shop', 'com.acme.Shop'],
    ['/usr/lib/jvm/17/bin/java', 'java @arguments', 'java'],
    ['/usr/bin/bash', 'bash /opt/backup.sh', 'bash'],
  ]
  for (const [executable, given, name] of names)
    test(`${given} is ${name}`, () => assert.equal(serviceName(executable, given.split(' ')), name))

  test('what the process says of itself stands, decoded, and OTEL_SERVICE_NAME counts most', () => {
    const attributes = 'service.name=no,service.version=1%2E2,deployment.environment.name=prod,password=secret,bad'
    const environment = new Map([
      ['OTEL_RESOURCE_ATTRIBUTES', attributes],
      ['OTEL_SERVICE_NAME', 'shop'],
    ])
    assert.deepEqual(declaredService(environment), {
      'service.name': 'shop',
      'service.version': '1.2',
      'deployment.environment.name': 'prod',
    })
    assert.deepEqual(declaredService(new Map([['OTEL_RESOURCE_ATTRIBUTES', 'service.name=%,=,service.name']])), {})
    assert.deepEqual(declaredService(new Map([['OTEL_SERVICE_NAME', '  ']])), {})
  })

  test('a runtime is named only where the file says it', () => {
    assert.deepEqual(runtimeOf('/usr/bin/node'), { 'process.runtime.name': 'nodejs' })
    assert.deepEqual(runtimeOf('/usr/bin/python3.11'), { 'process.runtime.name': 'cpython' })
    assert.deepEqual(runtimeOf('/usr/bin/pypy3.9'), {})
    assert.deepEqual(runtimeOf('/usr/bin/bun'), {})
  })
})
