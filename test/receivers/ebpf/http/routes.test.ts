import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Routes } from '../../../../src/receivers/ebpf/tracers/http/routes.ts'

const guess = (): Routes => new Routes({ templates: [], variants: 8 })

describe('the route of a path', () => {
  const table: Record<string, string> = {
    '/': '/',
    '/cart': '/cart',
    '/api/v1/users': '/api/v1/users',
    '/users/': '/users/',
    '/users/42': '/users/{id}',
    '/users/42/orders/7': '/users/{id}/orders/{id}',
    '/o/6f1c2b9e-2f2b-4a87-9c3a-0c1d2e3f4a5b': '/o/{id}',
    '/o/6F1C2B9E2F2B4A879C3A0C1D2E3F4A5B': '/o/{id}',
    '/commit/9fceb02d': '/commit/{id}',
    '/days/2024-01-31': '/days/{id}',
    '/token/eyJhbGciOiJIUzI1NiJ9': '/token/{id}',
    '/token/aGVsbG8gd29ybGQgdGhpcyBp': '/token/{id}',
    '/mail/joe@example.com': '/mail/{id}',
    '/search/caf%C3%A9': '/search/{id}',
    '/listAllOrganisationMembers': '/listAllOrganisationMembers',
    '/deadbeef': '/deadbeef',
    '/static/app.js': '/static/app.js',
    '/static/app.3f2a9bc1.js': '/static/{id}.js',
    '/img/12345.png': '/img/{id}.png',
    '/a/b/c/d/e/f/g/h/i/j/k/l': '/a/b/c/d/e/f/g/h/i/j/*',
  }
  for (const [path, route] of Object.entries(table))
    test(`of ${path} is ${route}`, () => assert.equal(guess().of(path), route))

  test('has a placeholder where more names come than a place has', () => {
    const routes = guess()
    const told = new Set<string>()
    for (let round = 0; round < 3; round++)
      for (const name of 'ann bob cat dan eve fay gus hal ivy joe kim leo'.split(' '))
        told.add(routes.of(`/team/${name}/tasks`))
    assert.equal(routes.of('/team/ann/tasks'), '/team/{id}/tasks')
    assert.ok(told.size <= 9, [...told].join(' '))
  })

  test('is one of few, whatever paths come', () => {
    const routes = guess()
    const told = new Set<string>()
    for (let index = 0; index < 20_000; index++)
      told.add(routes.of(`/p${letters(index)}/q${letters(index * 7)}/r${letters(index * 13)}`))
    assert.ok(told.size < 1000, `${told.size} routes`)
  })

  test("is the user's where one fits, the first of them", () => {
    const routes = new Routes({
      templates: ['/users/{name}', '/users/{name}/{thing}', '/files/*', '/users/me'],
      variants: 8,
    })
    assert.equal(routes.of('/users/joe'), '/users/{name}')
    assert.equal(routes.of('/users/me'), '/users/{name}')
    assert.equal(routes.of('/users/joe/orders'), '/users/{name}/{thing}')
    assert.equal(routes.of('/files/a/b/c.txt'), '/files/*')
    assert.equal(routes.of('/users/joe/orders/7'), '/users/joe/orders/{id}')
    assert.equal(routes.of('/users/'), '/users/')
  })
})

const letters = (index: number): string => index.toString(26).replace(/\d/g, (digit) => 'qrstuvwxyz'[Number(digit)]!)
