// Where SOCK_SEQPACKET unix sockets come from: listening at a path, and connecting to one.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <string>
#include <thread>

#include "addon.h"
#include "arguments.h"
#include "descriptor.h"
#include "failure.h"
#include "message-socket.h"
#include "watched.h"

namespace telegen {
namespace {

constexpr int kBacklog = 16;
// Connections before the event loop sees to others.
constexpr int kAtOnce = 64;

// For another to have begun or ended at the same place.
constexpr auto kPatience = std::chrono::seconds(2);
constexpr auto kPause = std::chrono::milliseconds(5);

// The folder's lock: who looks whether a socket is abandoned, takes it away and makes another, is alone in it. Nothing
// lies beside the socket for it.
Descriptor Locked(const std::string &path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  Descriptor descriptor(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor) throw Failure(errno, "open", folder);
  for (const auto end = std::chrono::steady_clock::now() + kPatience;;) {
    if (flock(descriptor.get(), LOCK_EX | LOCK_NB) == 0) return descriptor;
    if (errno != EWOULDBLOCK && errno != EINTR) throw Failure(errno, "lock", folder);
    if (std::chrono::steady_clock::now() > end) throw Failure(EWOULDBLOCK, "lock", folder, "somebody else holds it");
    std::this_thread::sleep_for(kPause);
  }
}

struct Constructors {
  Napi::FunctionReference socket;
  Napi::FunctionReference listener;
};

// The object takes the descriptor over. It does not come to be where the thread is being ended.
Napi::Object Made(Napi::FunctionReference &constructor, Descriptor descriptor) {
  return constructor.New({Napi::External<Descriptor>::New(constructor.Env(), &descriptor)});
}

class MessageListener : public Napi::ObjectWrap<MessageListener>, public Watched {
 public:
  static Napi::Function Define(Napi::Env env, Constructors *constructors) {
    return DefineClass(env, "MessageListener", {InstanceMethod("close", &MessageListener::End)}, constructors);
  }

  explicit MessageListener(const Napi::CallbackInfo &info)
      : Napi::ObjectWrap<MessageListener>(info),
        Watched(info.Env(), info[0].As<Napi::External<Descriptor>>().Data()->Release()),
        constructors_(static_cast<Constructors *>(info.Data())),
        spare_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {}

  ~MessageListener() override {
    Close();
    if (spare_ >= 0) close(spare_);
  }

  void Begin(const std::string &path, Napi::Function listener) {
    path_ = path;
    struct stat about {};
    if (lstat(path.c_str(), &about) == 0) device_ = about.st_dev, inode_ = about.st_ino;
    on_connection_ = Napi::Persistent(listener);
    Watch(UV_READABLE);
  }

  void Hold() override { Ref(); }
  void Release() override { Unref(); }

  void OnReady(int) override {
    const Napi::Object self = Value();
    for (int turn = 0; turn < kAtOnce && Watched::open(); ++turn) {
      Napi::HandleScope scope(env_);
      const int descriptor = accept4(this->descriptor(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (descriptor < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
      if (descriptor < 0 && (errno == EMFILE || errno == ENFILE)) return TurnAway();
      if (descriptor < 0) return;
      Call(on_connection_, self, {Made(constructors_->socket, Descriptor(descriptor))});
    }
  }

 private:
  // Without a descriptor left, who knocks would be told of again and again: one is kept for sending them away.
  void TurnAway() {
    if (spare_ >= 0) close(spare_);
    const int descriptor = accept4(this->descriptor(), nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor >= 0) close(descriptor);
    spare_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  }

  Napi::Value End(const Napi::CallbackInfo &info) {
    if (!Watched::open()) return info.Env().Undefined();
    // Before it is abandoned to others' eyes, so that none takes its place between the look and the removal.
    Descriptor lock;
    try {
      lock = Locked(path_);
    } catch (const Failure &) {
      // The socket stays, which the next to listen here takes away.
    }
    Close();
    on_connection_.Reset();
    if (!lock) return info.Env().Undefined();
    // Only what this one made: another may have taken its place.
    struct stat about {};
    if (lstat(path_.c_str(), &about) == 0 && about.st_dev == device_ && about.st_ino == inode_) unlink(path_.c_str());
    return info.Env().Undefined();
  }

  Constructors *constructors_;
  int spare_;
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  Napi::FunctionReference on_connection_;
};

sockaddr_un AddressOf(const std::string &path, const char *step) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) throw Failure(ENAMETOOLONG, step, path);
  memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Descriptor NewSocket(const std::string &path) {
  Descriptor descriptor(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!descriptor) throw Failure(errno, "socket", path);
  return descriptor;
}

// Whether it is a socket that nobody listens at any more. A file of another kind is never removed, nor one of whom it
// cannot be told.
bool Abandoned(const std::string &path, const sockaddr_un &address) {
  struct stat about {};
  if (lstat(path.c_str(), &about) != 0 || !S_ISSOCK(about.st_mode)) return false;
  const Descriptor knock = NewSocket(path);
  return connect(knock.get(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)) != 0 &&
         errno == ECONNREFUSED;
}

// Of the socket itself: in a folder where others may write, something else could have taken its name.
int SetMode(const std::string &path, mode_t mode) {
  const Descriptor file(open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat about {};
  if (!file || fstat(file.get(), &about) != 0) return errno;
  if (!S_ISSOCK(about.st_mode) || about.st_uid != geteuid()) return EEXIST;
  return chmod(("/proc/self/fd/" + std::to_string(file.get())).c_str(), mode) == 0 ? 0 : errno;
}

Descriptor Listening(const std::string &path, mode_t mode) {
  const sockaddr_un address = AddressOf(path, "listen");
  const auto *generic = reinterpret_cast<const sockaddr *>(&address);
  const Descriptor lock = Locked(path);
  Descriptor descriptor = NewSocket(path);
  // Before it has its name, so that it is never open to more than these; the umask can only take away.
  fchmod(descriptor.get(), mode);
  int error = bind(descriptor.get(), generic, sizeof(address)) == 0 ? 0 : errno;
  if (error == EADDRINUSE && Abandoned(path, address)) {
    if (unlink(path.c_str()) != 0) throw Failure(errno, "unlink", path);
    error = bind(descriptor.get(), generic, sizeof(address)) == 0 ? 0 : errno;
  }
  if (error != 0) throw Failure(error, "bind", path);
  error = SetMode(path, mode);
  if (error == 0 && listen(descriptor.get(), kBacklog) != 0) error = errno;
  if (error != 0) {
    unlink(path.c_str());
    throw Failure(error, "listen", path);
  }
  return descriptor;
}

Napi::Value Listen(const Napi::CallbackInfo &info) {
  const std::string path = TextFrom(info[0], "path");
  const auto mode = static_cast<mode_t>(IntegerFrom(info[1], "mode", 0, 0777));
  const Napi::Function on_connection = FunctionFrom(info[2], "onConnection");
  return Guarded(info.Env(), [&] {
    auto *constructors = static_cast<Constructors *>(info.Data());
    const Napi::Object listener = Made(constructors->listener, Listening(path, mode));
    MessageListener::Unwrap(listener)->Begin(path, on_connection);
    return listener;
  });
}

Descriptor Connected(const std::string &path) {
  const sockaddr_un address = AddressOf(path, "connect");
  Descriptor descriptor = NewSocket(path);
  if (connect(descriptor.get(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)) != 0)
    throw Failure(errno, "connect", path);
  return descriptor;
}

Napi::Value Connect(const Napi::CallbackInfo &info) {
  const std::string path = TextFrom(info[0], "path");
  return Guarded(info.Env(), [&] { return Made(static_cast<Constructors *>(info.Data())->socket, Connected(path)); });
}

}  // namespace

void InitSocket(Napi::Env env, Napi::Object exports) {
  auto *constructors = new Constructors();
  env.AddCleanupHook([constructors] { delete constructors; });
  constructors->socket = Napi::Persistent(MessageSocket::Define(env));
  constructors->listener = Napi::Persistent(MessageListener::Define(env, constructors));
  Napi::Object sockets = Napi::Object::New(env);
  sockets.Set("listen", Napi::Function::New(env, Listen, "listen", constructors));
  sockets.Set("connect", Napi::Function::New(env, Connect, "connect", constructors));
  exports.Set("MessageSocket", sockets);
}

}  // namespace telegen
