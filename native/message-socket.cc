#include "message-socket.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstring>

#include "descriptor.h"
#include "failure.h"

namespace telegen {
namespace {

// What may wait for a reader who is slow, before it is taken for one that does not read.
constexpr size_t kWaitingBytesMax = 8 * 1024 * 1024;
constexpr size_t kWaitingMessagesMax = 1024;
// Messages of one socket before the event loop sees to the others.
constexpr int kAtOnce = 64;
// A message must fit as a whole; the kernel takes less where net.core.wmem_max is less, and doubles it.
constexpr int kSendBufferBytes = 512 * 1024;

void CloseAll(const std::vector<int> &descriptors) {
  for (const int descriptor : descriptors) close(descriptor);
}

int DescriptorOf(const Napi::CallbackInfo &info) {
  if (info.Length() != 1 || !info[0].IsExternal()) throw Napi::TypeError::New(info.Env(), "use listen or connect");
  return info[0].As<Napi::External<Descriptor>>().Data()->Release();
}

std::vector<int> DescriptorsOf(const Napi::Value &value) {
  std::vector<int> descriptors;
  if (value.IsUndefined()) return descriptors;
  const Napi::Array list = ArrayFrom(value, "descriptors", kMessageDescriptorsMax);
  for (uint32_t index = 0; index < list.Length(); index++) descriptors.push_back(DescriptorFrom(list.Get(index)));
  return descriptors;
}

std::vector<int> Received(msghdr &header) {
  std::vector<int> descriptors;
  for (cmsghdr *each = CMSG_FIRSTHDR(&header); each != nullptr; each = CMSG_NXTHDR(&header, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (each->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t index = 0; index < count; ++index) {
      int descriptor;
      memcpy(&descriptor, CMSG_DATA(each) + index * sizeof(int), sizeof(int));
      descriptors.push_back(descriptor);
    }
  }
  return descriptors;
}

}  // namespace

Napi::Function MessageSocket::Define(Napi::Env env) {
  return DefineClass(
      env, "MessageSocket",
      {InstanceMethod("send", &MessageSocket::Send), InstanceMethod("onMessage", &MessageSocket::OnMessage),
       InstanceMethod("onClose", &MessageSocket::OnClose), InstanceMethod("close", &MessageSocket::End),
       InstanceAccessor("peer", &MessageSocket::Peer, nullptr)});
}

MessageSocket::MessageSocket(const Napi::CallbackInfo &info)
    : Napi::ObjectWrap<MessageSocket>(info), Watched(info.Env(), DescriptorOf(info)) {
  const int bytes = kSendBufferBytes;
  setsockopt(descriptor(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
  socklen_t length = sizeof(peer_);
  if (getsockopt(descriptor(), SOL_SOCKET, SO_PEERCRED, &peer_, &length) != 0) peer_ = {0, ~0u, ~0u};
}

MessageSocket::~MessageSocket() {
  Discard();
  Close();
}

void MessageSocket::OnReady(int events) {
  const Napi::Object self = Value();
  if (events & UV_WRITABLE) Flush();
  if (events & UV_READABLE) Receive(self);
}

Napi::Value MessageSocket::Send(const Napi::CallbackInfo &info) {
  const Bytes message = BytesFrom(info[0], "message");
  const std::vector<int> descriptors = DescriptorsOf(info[1]);
  return Guarded(info.Env(), [&] {
    if (message.length == 0) throw Failure(EINVAL, "send", {}, "an empty message");
    if (message.length > kMessageBytesMax) throw Failure(EMSGSIZE, "send");
    if (!open()) throw Failure(EPIPE, "send");
    const int error = waiting_.empty() ? Write(message.data, message.length, descriptors) : EAGAIN;
    if (error == EAGAIN) {
      Keep(message, descriptors);
    } else if (error != 0) {
      throw Failure(error, "send");
    }
    return info.Env().Undefined();
  });
}

int MessageSocket::Write(const uint8_t *data, size_t length, const std::vector<int> &descriptors) {
  iovec part{const_cast<uint8_t *>(data), length};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(kMessageDescriptorsMax * sizeof(int))] = {};
  if (!descriptors.empty()) {
    const size_t bytes = descriptors.size() * sizeof(int);
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(bytes);
    cmsghdr *rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(bytes);
    memcpy(CMSG_DATA(rights), descriptors.data(), bytes);
  }
  for (;;) {
    if (sendmsg(descriptor(), &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return 0;
    if (errno != EINTR) return errno;
  }
}

// Its own copies of the descriptors, since the caller may close them as soon as it has called.
void MessageSocket::Keep(const Bytes &message, const std::vector<int> &descriptors) {
  if (waiting_.size() >= kWaitingMessagesMax || waiting_bytes_ + message.length > kWaitingBytesMax)
    throw Failure(ENOBUFS, "send", {}, "the other side does not read");
  Waiting waiting{CopyOf(message), {}};
  for (const int descriptor : descriptors) {
    const int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) {
      const int error = errno;
      CloseAll(waiting.descriptors);
      throw Failure(error, "send");
    }
    waiting.descriptors.push_back(copy);
  }
  waiting_bytes_ += waiting.message.size();
  waiting_.push_back(std::move(waiting));
  Watch(Interest());
}

int MessageSocket::Interest() const { return (reading_ ? UV_READABLE : 0) | (waiting_.empty() ? 0 : UV_WRITABLE); }

void MessageSocket::Flush() {
  while (!waiting_.empty()) {
    Waiting &next = waiting_.front();
    const int error = Write(next.message.data(), next.message.size(), next.descriptors);
    if (error == EAGAIN) return;
    // Whether the other side has gone is told by reading.
    waiting_bytes_ -= next.message.size();
    CloseAll(next.descriptors);
    waiting_.pop_front();
  }
  Watch(Interest());
}

void MessageSocket::Discard() {
  for (const Waiting &each : waiting_) CloseAll(each.descriptors);
  waiting_.clear();
  waiting_bytes_ = 0;
}

void MessageSocket::Receive(const Napi::Object &self) {
  static thread_local std::vector<uint8_t> buffer(kMessageBytesMax);
  for (int turn = 0; turn < kAtOnce && open(); ++turn) {
    Napi::HandleScope scope(env_);
    iovec part{buffer.data(), buffer.size()};
    msghdr header{};
    alignas(cmsghdr) char control[CMSG_SPACE(kMessageDescriptorsMax * sizeof(int))];
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    // Where none are taken, the kernel lets go of them: even closing one may wait for whoever sent it.
    header.msg_controllen = takes_descriptors_ ? sizeof(control) : 0;
    const ssize_t length = recvmsg(descriptor(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    // ECONNRESET says that the other side went without reading all; what it had sent before is still to come.
    if (length < 0 && (errno == EINTR || errno == ECONNRESET)) continue;
    if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (length < 0) return Lost(self, errno);
    const std::vector<int> descriptors = Received(header);
    // An empty message looks like the end, and is one here: `send` makes none.
    if (length == 0 || header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
      CloseAll(descriptors);
      const int refused = takes_descriptors_ ? EMFILE : EPERM;
      return Lost(self, length == 0 ? 0 : header.msg_flags & MSG_TRUNC ? EMSGSIZE : refused);
    }
    Napi::Array numbers = Napi::Array::New(env_, descriptors.size());
    for (uint32_t index = 0; index < descriptors.size(); ++index) numbers.Set(index, descriptors[index]);
    Call(on_message_, self, {Napi::Buffer<uint8_t>::Copy(env_, buffer.data(), length), numbers});
  }
}

void MessageSocket::Lost(const Napi::Object &self, int error) {
  Discard();
  Close();
  const Napi::Value reason =
      error == 0 ? env_.Undefined() : Napi::Value(Failure(error, "receive").ToError(env_).Value());
  Napi::FunctionReference listener = std::move(on_close_);
  on_message_.Reset();
  Call(listener, self, {reason});
}

Napi::Value MessageSocket::OnMessage(const Napi::CallbackInfo &info) {
  const Napi::Function listener = FunctionFrom(info[0], "listener");
  const bool takes_descriptors = info[1].IsUndefined() || BooleanFrom(info[1], "takesDescriptors");
  on_message_ = Napi::Persistent(listener);
  takes_descriptors_ = takes_descriptors;
  return Guarded(info.Env(), [&] {
    reading_ = true;
    Watch(Interest());
    return info.Env().Undefined();
  });
}

Napi::Value MessageSocket::OnClose(const Napi::CallbackInfo &info) {
  on_close_ = Napi::Persistent(FunctionFrom(info[0], "listener"));
  return info.Env().Undefined();
}

Napi::Value MessageSocket::Peer(const Napi::CallbackInfo &info) {
  Napi::Object peer = Napi::Object::New(info.Env());
  peer.Set("pid", peer_.pid);
  peer.Set("uid", peer_.uid);
  peer.Set("gid", peer_.gid);
  return peer;
}

Napi::Value MessageSocket::End(const Napi::CallbackInfo &info) {
  Discard();
  Close();
  on_message_.Reset();
  on_close_.Reset();
  return info.Env().Undefined();
}

}  // namespace telegen
