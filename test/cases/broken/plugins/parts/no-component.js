export default { type: 'mark' }
