// Numbers of the system calls that open, move or close what a process reads and writes, or that begin and end one. What
// an architecture does not have (arm64 has no `open`) is missing.
#include <sys/syscall.h>

#include "addon.h"

namespace telegen {

void InitSystemCalls(Napi::Env env, Napi::Object exports) {
  Napi::Object numbers = Napi::Object::New(env);
#ifdef SYS_read
  numbers.Set("read", SYS_read);
#endif
#ifdef SYS_write
  numbers.Set("write", SYS_write);
#endif
#ifdef SYS_readv
  numbers.Set("readv", SYS_readv);
#endif
#ifdef SYS_writev
  numbers.Set("writev", SYS_writev);
#endif
#ifdef SYS_pread64
  numbers.Set("pread64", SYS_pread64);
#endif
#ifdef SYS_pwrite64
  numbers.Set("pwrite64", SYS_pwrite64);
#endif
#ifdef SYS_preadv
  numbers.Set("preadv", SYS_preadv);
#endif
#ifdef SYS_pwritev
  numbers.Set("pwritev", SYS_pwritev);
#endif
#ifdef SYS_preadv2
  numbers.Set("preadv2", SYS_preadv2);
#endif
#ifdef SYS_pwritev2
  numbers.Set("pwritev2", SYS_pwritev2);
#endif
#ifdef SYS_recvfrom
  numbers.Set("recvfrom", SYS_recvfrom);
#endif
#ifdef SYS_sendto
  numbers.Set("sendto", SYS_sendto);
#endif
#ifdef SYS_recvmsg
  numbers.Set("recvmsg", SYS_recvmsg);
#endif
#ifdef SYS_sendmsg
  numbers.Set("sendmsg", SYS_sendmsg);
#endif
#ifdef SYS_recvmmsg
  numbers.Set("recvmmsg", SYS_recvmmsg);
#endif
#ifdef SYS_sendmmsg
  numbers.Set("sendmmsg", SYS_sendmmsg);
#endif
#ifdef SYS_sendfile
  numbers.Set("sendfile", SYS_sendfile);
#endif
#ifdef SYS_splice
  numbers.Set("splice", SYS_splice);
#endif
#ifdef SYS_copy_file_range
  numbers.Set("copy_file_range", SYS_copy_file_range);
#endif
#ifdef SYS_socket
  numbers.Set("socket", SYS_socket);
#endif
#ifdef SYS_socketpair
  numbers.Set("socketpair", SYS_socketpair);
#endif
#ifdef SYS_connect
  numbers.Set("connect", SYS_connect);
#endif
#ifdef SYS_bind
  numbers.Set("bind", SYS_bind);
#endif
#ifdef SYS_listen
  numbers.Set("listen", SYS_listen);
#endif
#ifdef SYS_accept
  numbers.Set("accept", SYS_accept);
#endif
#ifdef SYS_accept4
  numbers.Set("accept4", SYS_accept4);
#endif
#ifdef SYS_shutdown
  numbers.Set("shutdown", SYS_shutdown);
#endif
#ifdef SYS_getsockname
  numbers.Set("getsockname", SYS_getsockname);
#endif
#ifdef SYS_getpeername
  numbers.Set("getpeername", SYS_getpeername);
#endif
#ifdef SYS_getsockopt
  numbers.Set("getsockopt", SYS_getsockopt);
#endif
#ifdef SYS_setsockopt
  numbers.Set("setsockopt", SYS_setsockopt);
#endif
#ifdef SYS_open
  numbers.Set("open", SYS_open);
#endif
#ifdef SYS_openat
  numbers.Set("openat", SYS_openat);
#endif
#ifdef SYS_openat2
  numbers.Set("openat2", SYS_openat2);
#endif
#ifdef SYS_creat
  numbers.Set("creat", SYS_creat);
#endif
#ifdef SYS_close
  numbers.Set("close", SYS_close);
#endif
#ifdef SYS_close_range
  numbers.Set("close_range", SYS_close_range);
#endif
#ifdef SYS_dup
  numbers.Set("dup", SYS_dup);
#endif
#ifdef SYS_dup2
  numbers.Set("dup2", SYS_dup2);
#endif
#ifdef SYS_dup3
  numbers.Set("dup3", SYS_dup3);
#endif
#ifdef SYS_fcntl
  numbers.Set("fcntl", SYS_fcntl);
#endif
#ifdef SYS_ioctl
  numbers.Set("ioctl", SYS_ioctl);
#endif
#ifdef SYS_lseek
  numbers.Set("lseek", SYS_lseek);
#endif
#ifdef SYS_pipe
  numbers.Set("pipe", SYS_pipe);
#endif
#ifdef SYS_pipe2
  numbers.Set("pipe2", SYS_pipe2);
#endif
#ifdef SYS_stat
  numbers.Set("stat", SYS_stat);
#endif
#ifdef SYS_fstat
  numbers.Set("fstat", SYS_fstat);
#endif
#ifdef SYS_lstat
  numbers.Set("lstat", SYS_lstat);
#endif
#ifdef SYS_newfstatat
  numbers.Set("newfstatat", SYS_newfstatat);
#endif
#ifdef SYS_statx
  numbers.Set("statx", SYS_statx);
#endif
#ifdef SYS_access
  numbers.Set("access", SYS_access);
#endif
#ifdef SYS_faccessat
  numbers.Set("faccessat", SYS_faccessat);
#endif
#ifdef SYS_faccessat2
  numbers.Set("faccessat2", SYS_faccessat2);
#endif
#ifdef SYS_readlink
  numbers.Set("readlink", SYS_readlink);
#endif
#ifdef SYS_readlinkat
  numbers.Set("readlinkat", SYS_readlinkat);
#endif
#ifdef SYS_getdents64
  numbers.Set("getdents64", SYS_getdents64);
#endif
#ifdef SYS_truncate
  numbers.Set("truncate", SYS_truncate);
#endif
#ifdef SYS_ftruncate
  numbers.Set("ftruncate", SYS_ftruncate);
#endif
#ifdef SYS_fallocate
  numbers.Set("fallocate", SYS_fallocate);
#endif
#ifdef SYS_fsync
  numbers.Set("fsync", SYS_fsync);
#endif
#ifdef SYS_fdatasync
  numbers.Set("fdatasync", SYS_fdatasync);
#endif
#ifdef SYS_rename
  numbers.Set("rename", SYS_rename);
#endif
#ifdef SYS_renameat
  numbers.Set("renameat", SYS_renameat);
#endif
#ifdef SYS_renameat2
  numbers.Set("renameat2", SYS_renameat2);
#endif
#ifdef SYS_unlink
  numbers.Set("unlink", SYS_unlink);
#endif
#ifdef SYS_unlinkat
  numbers.Set("unlinkat", SYS_unlinkat);
#endif
#ifdef SYS_mkdir
  numbers.Set("mkdir", SYS_mkdir);
#endif
#ifdef SYS_mkdirat
  numbers.Set("mkdirat", SYS_mkdirat);
#endif
#ifdef SYS_rmdir
  numbers.Set("rmdir", SYS_rmdir);
#endif
#ifdef SYS_link
  numbers.Set("link", SYS_link);
#endif
#ifdef SYS_linkat
  numbers.Set("linkat", SYS_linkat);
#endif
#ifdef SYS_symlink
  numbers.Set("symlink", SYS_symlink);
#endif
#ifdef SYS_symlinkat
  numbers.Set("symlinkat", SYS_symlinkat);
#endif
#ifdef SYS_chmod
  numbers.Set("chmod", SYS_chmod);
#endif
#ifdef SYS_fchmod
  numbers.Set("fchmod", SYS_fchmod);
#endif
#ifdef SYS_fchmodat
  numbers.Set("fchmodat", SYS_fchmodat);
#endif
#ifdef SYS_chown
  numbers.Set("chown", SYS_chown);
#endif
#ifdef SYS_fchown
  numbers.Set("fchown", SYS_fchown);
#endif
#ifdef SYS_lchown
  numbers.Set("lchown", SYS_lchown);
#endif
#ifdef SYS_fchownat
  numbers.Set("fchownat", SYS_fchownat);
#endif
#ifdef SYS_poll
  numbers.Set("poll", SYS_poll);
#endif
#ifdef SYS_ppoll
  numbers.Set("ppoll", SYS_ppoll);
#endif
#ifdef SYS_select
  numbers.Set("select", SYS_select);
#endif
#ifdef SYS_pselect6
  numbers.Set("pselect6", SYS_pselect6);
#endif
#ifdef SYS_epoll_create1
  numbers.Set("epoll_create1", SYS_epoll_create1);
#endif
#ifdef SYS_epoll_ctl
  numbers.Set("epoll_ctl", SYS_epoll_ctl);
#endif
#ifdef SYS_epoll_wait
  numbers.Set("epoll_wait", SYS_epoll_wait);
#endif
#ifdef SYS_epoll_pwait
  numbers.Set("epoll_pwait", SYS_epoll_pwait);
#endif
#ifdef SYS_epoll_pwait2
  numbers.Set("epoll_pwait2", SYS_epoll_pwait2);
#endif
#ifdef SYS_eventfd2
  numbers.Set("eventfd2", SYS_eventfd2);
#endif
#ifdef SYS_io_uring_setup
  numbers.Set("io_uring_setup", SYS_io_uring_setup);
#endif
#ifdef SYS_io_uring_enter
  numbers.Set("io_uring_enter", SYS_io_uring_enter);
#endif
#ifdef SYS_io_uring_register
  numbers.Set("io_uring_register", SYS_io_uring_register);
#endif
#ifdef SYS_io_setup
  numbers.Set("io_setup", SYS_io_setup);
#endif
#ifdef SYS_io_submit
  numbers.Set("io_submit", SYS_io_submit);
#endif
#ifdef SYS_io_getevents
  numbers.Set("io_getevents", SYS_io_getevents);
#endif
#ifdef SYS_clone
  numbers.Set("clone", SYS_clone);
#endif
#ifdef SYS_clone3
  numbers.Set("clone3", SYS_clone3);
#endif
#ifdef SYS_fork
  numbers.Set("fork", SYS_fork);
#endif
#ifdef SYS_vfork
  numbers.Set("vfork", SYS_vfork);
#endif
#ifdef SYS_execve
  numbers.Set("execve", SYS_execve);
#endif
#ifdef SYS_execveat
  numbers.Set("execveat", SYS_execveat);
#endif
#ifdef SYS_exit
  numbers.Set("exit", SYS_exit);
#endif
#ifdef SYS_exit_group
  numbers.Set("exit_group", SYS_exit_group);
#endif
#ifdef SYS_kill
  numbers.Set("kill", SYS_kill);
#endif
#ifdef SYS_tkill
  numbers.Set("tkill", SYS_tkill);
#endif
#ifdef SYS_tgkill
  numbers.Set("tgkill", SYS_tgkill);
#endif
#ifdef SYS_getppid
  numbers.Set("getppid", SYS_getppid);
#endif
  numbers.Freeze();
  exports.Set("systemCalls", numbers);
}

}  // namespace telegen
