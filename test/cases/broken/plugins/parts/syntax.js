export default {
  type: 'mark',,
}
