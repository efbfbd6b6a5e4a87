// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Foundation

/// The configuration of a Dovecot 2.3, made for speed where that costs no durability.
struct DovecotSettings {
    /// How Dovecot keeps mail.
    enum Format: String, CaseIterable {
        case maildir, sdbox, mdbox
    }

    /// How a Dovecot replicates with another one.
    struct Replication {
        /// Where it listens for the other one's dsync.
        let listen: Int
        /// Where it finds the other one.
        let peer: Int
    }

    let folder: String
    let name: String
    let port: Int
    let certificates: CertificateFiles
    var format: Format
    var replication: Replication?
    /// Whether sessions in IDLE are moved to one process that holds them all.
    var hibernates = false

    /// Who owns mail: an unprivileged user of the Debian package when root runs this, else whoever runs it.
    static let mailUser = geteuid() == 0 ? "mail" : NSUserName()

    /// The lines of the users file, which is read for passwords and homes.
    func users(_ count: Int) -> String {
        // getpwnam's result is used before any other call.
        let user = getpwnam(Self.mailUser)
        let (uid, gid) = (user?.pointee.pw_uid ?? geteuid(), user?.pointee.pw_gid ?? getegid())
        return MailUsers.names(count).map {
            "\($0):{PLAIN}\(MailUsers.password):\(uid):\(gid)::\(folder)/mail/\($0)::\n"
        }.joined()
    }

    /// The configuration file.
    var text: String { general + services + (replication.map(replicating) ?? "") }

    private var general: String {
        let isRoot = geteuid() == 0
        return """
            base_dir = \(folder)/run
            state_dir = \(folder)/run
            instance_name = \(name)
            protocols = imap
            listen = 127.0.0.1
            log_path = \(folder)/log
            info_log_path = /dev/null
            default_internal_user = \(isRoot ? "dovecot" : Self.mailUser)
            default_internal_group = \(isRoot ? "dovecot" : "")
            default_login_user = \(isRoot ? "dovenull" : Self.mailUser)
            first_valid_uid = 1
            mail_uid = \(Self.mailUser)
            mail_home = \(folder)/mail/%u
            mail_location = \(location)
            mail_fsync = always
            maildir_very_dirty_syncs = yes
            mail_max_userip_connections = 10000
            \(hibernates ? "imap_hibernate_timeout = 1 s" : "")
            \(replication == nil ? "" : "mail_plugins = notify replication")
            ssl = required
            ssl_cert = <\(certificates.certificate)
            ssl_key = <\(certificates.key)
            ssl_client_ca_file = \(certificates.authority)
            auth_mechanisms = plain
            passdb {
              driver = passwd-file
              args = \(folder)/users
            }
            userdb {
              driver = passwd-file
              args = \(folder)/users
            }
            namespace inbox {
              inbox = yes
              separator = .
            }

            """
    }

    private var location: String {
        switch format {
        case .maildir: "maildir:~/Maildir"
        case .sdbox: "sdbox:~/sdbox"
        case .mdbox: "mdbox:~/mdbox"
        }
    }

    /// Login processes that serve many sessions each, and mail processes that are used again.
    private var services: String {
        """
        service imap-login {
          service_count = 0
          process_min_avail = 2
          client_limit = 2000
          vsz_limit = 0
          \(chroot)
          inet_listener imap {
            port = 0
          }
          inet_listener imaps {
            port = \(port)
            ssl = yes
          }
        }
        service imap {
          service_count = \(hibernates ? 1 : 1_000)
          process_limit = 2000
          unix_listener imap-master {
            user = \(geteuid() == 0 ? "dovecot" : Self.mailUser)
          }
        }
        service imap-hibernate {
          unix_listener imap-hibernate {
            mode = 0666
          }
        }
        service anvil {
          client_limit = 10000
          \(chroot)
        }
        service auth {
          client_limit = 10000
        }
        service stats {
          client_limit = 10000
          \(chroot)
          unix_listener stats-writer {
            mode = 0666
          }
        }

        """
    }

    /// Only root may change a process's root directory.
    private var chroot: String { geteuid() == 0 ? "" : "chroot =" }

    private func replicating(_ replication: Replication) -> String {
        """
        doveadm_password = \(MailUsers.password)
        replication_max_conns = 10
        plugin {
          mail_replica = tcps:localhost:\(replication.peer)
        }
        service replicator {
          process_min_avail = 1
          unix_listener replicator-doveadm {
            user = \(Self.mailUser)
            mode = 0600
          }
        }
        service aggregator {
          \(chroot)
          fifo_listener replication-notify-fifo {
            user = \(Self.mailUser)
          }
          unix_listener replication-notify {
            user = \(Self.mailUser)
          }
        }
        service doveadm {
          process_limit = 100
          inet_listener {
            port = \(replication.listen)
            ssl = yes
          }
        }

        """
    }
}
