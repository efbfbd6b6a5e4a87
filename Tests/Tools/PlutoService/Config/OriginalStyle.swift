// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A file of one region as operators of the original wrote it: every key of the original, and no other.
enum OriginalStyle {
    static let text = """
        RootCertLoc = "private/root-cert.pem"

        [IMAP]
        Greeting = "Hello."
        HierarchySeparator = "."

        [Distributor]
        Name = "eu-west-distributor"
        PublicMailAddr = "192.0.2.1:993"
        ListenMailAddr = "0.0.0.0:993"
        PrometheusAddr = ""
        PublicCertLoc = "private/public-cert.pem"
        PublicKeyLoc = "private/public-key.pem"
        InternalCertLoc = "private/internal-eu-west-distributor-cert.pem"
        InternalKeyLoc = "private/internal-eu-west-distributor-key.pem"
        AuthAdapter = "AuthPostgres"

            [Distributor.AuthFile]
            File = "users.txt"
            Separator = ";"

            [Distributor.AuthPostgres]
            IP = "192.0.2.9"
            Port = 5432
            Database = "pluto"
            User = "pluto"
            Password = "sesame"
            UseTLS = true

        [Workers]

            [Workers.worker-1]
            Name = "eu-west-worker-1"
            PublicMailAddr = "192.0.2.11:20001"
            ListenMailAddr = "0.0.0.0:20001"
            PublicSyncAddr = "192.0.2.11:30001"
            ListenSyncAddr = "0.0.0.0:30001"
            PrometheusAddr = ":9001"
            CertLoc = "private/internal-eu-west-worker-1-cert.pem"
            KeyLoc = "/etc/pluto/internal-eu-west-worker-1-key.pem"
            UserStart = 1
            UserEnd = 10
            MaildirRoot = "private/Maildirs/"
            CRDTLayerRoot = "private/crdt-layers/"

                [Workers.worker-1.Peers.subnet1]
                us-east-worker-1 = "198.51.100.11:30101"
                storage = "203.0.113.1:31000"

            [Workers.worker-2]
            Name = "eu-west-worker-2"
            PublicMailAddr = "192.0.2.12:20002"
            ListenMailAddr = "0.0.0.0:20002"
            PublicSyncAddr = "192.0.2.12:30002"
            ListenSyncAddr = "0.0.0.0:30002"
            PrometheusAddr = ""
            CertLoc = "private/internal-eu-west-worker-2-cert.pem"
            KeyLoc = "private/internal-eu-west-worker-2-key.pem"
            UserStart = 11
            UserEnd = 20
            MaildirRoot = "private/Maildirs/"
            CRDTLayerRoot = "private/crdt-layers/"

                [Workers.worker-2.Peers.subnet2]
                us-east-worker-2 = "198.51.100.12:30102"
                storage = "203.0.113.1:32000"

        [Storage]
        Name = "storage"
        PublicMailAddr = "203.0.113.1:21000"
        ListenMailAddr = "0.0.0.0:21000"
        PrometheusAddr = ""
        CertLoc = "private/internal-storage-cert.pem"
        KeyLoc = "private/internal-storage-key.pem"
        MaildirRoot = "private/Maildirs/"
        CRDTLayerRoot = "private/crdt-layers/"

            [Storage.SyncAddrs.subnet1]
            Public = "203.0.113.1:31000"
            Listen = "0.0.0.0:31000"

            [Storage.SyncAddrs.subnet2]
            Public = "203.0.113.1:32000"
            Listen = "0.0.0.0:32000"

            [Storage.Peers.subnet1]
            eu-west-worker-1 = "192.0.2.11:30001"
            us-east-worker-1 = "198.51.100.11:30101"

            [Storage.Peers.subnet2]
            eu-west-worker-2 = "192.0.2.12:30002"
            us-east-worker-2 = "198.51.100.12:30102"

        """
}
