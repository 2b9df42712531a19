function settings() {
  throw new Error('the settings are missing')
}

export default settings()
