export const type = 'mark'
