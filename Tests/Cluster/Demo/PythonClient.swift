// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport

/// Python's imaplib, for what a client sees of a cluster.
enum PythonClient {
    /// What each script begins with: `connect(port)` gives a session over verified TLS.
    private static let prelude = """
        import imaplib, ssl, sys, time
        context = ssl.create_default_context(cafile=sys.argv[1])
        def connect(address, user, password):
            host, port = address.rsplit(':', 1)
            client = imaplib.IMAP4_SSL(host, int(port), ssl_context=context, timeout=30)
            client.login(user, password)
            return client
        def subjects(client, mailbox='INBOX'):
            client.select(mailbox, readonly=True)
            found = []
            for number in client.search(None, 'ALL')[1][0].split():
                text = client.fetch(number, '(BODY.PEEK[HEADER.FIELDS (SUBJECT)])')[1][0][1]
                found.append(text.decode().split(':', 1)[1].strip())
            return found
        def wait_for(client, subject, mailbox='INBOX', seconds=30):
            end = time.monotonic() + seconds
            while subject not in subjects(client, mailbox):
                if time.monotonic() > end: raise Exception('never saw ' + subject)
        def message(subject):
            return ('From: a@example.org\\r\\nSubject: %s\\r\\n\\r\\nText of %s.\\r\\n' % (subject, subject)).encode()

        """

    /// Runs a script to its end, which must be a good one.
    static func run(_ script: String, authority: String, _ arguments: [String]) throws -> String {
        let run = try ChildProcess.run(["python3", "-c", prelude + script, authority] + arguments)
        guard run.ending == .exited(0) else { throw LiveFailure("the client failed: \(run.ending)\n\(run.output)") }
        return run.output
    }
}
