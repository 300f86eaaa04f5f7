//! How those who are counted are named: by a keyed hash, which tells nothing to whoever reads Redis.

use aws_lc_rs::hmac;

/// 128 bits name everybody.
pub(crate) type Digest = [u8; 16];

/// The hashing, and what begins every name in Redis.
pub(crate) struct Keys {
    mac: hmac::Key,
    prefix: String,
}

impl Keys {
    /// From a secret of the programme: two programmes on one Redis don't meet.
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        let mac = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let programme = hmac::sign(&mac, b"prefix");
        // In braces, so that a cluster keeps all of it in one place, as the scripts need it.
        let prefix = format!("oc:{{{}}}", hex::encode(&programme.as_ref()[..6]));
        Self { mac, prefix }
    }

    /// The hash of one who is counted in a bucket; `salt` parts what must be counted apart.
    pub(crate) fn digest(&self, bucket: &str, salt: u64, key: &[u8]) -> Digest {
        let mut context = hmac::Context::with_key(&self.mac);
        context.update(bucket.as_bytes());
        context.update(&[0]);
        context.update(&salt.to_be_bytes());
        context.update(key);
        let mut digest = [0; 16];
        digest.copy_from_slice(&context.sign().as_ref()[..16]);
        digest
    }

    /// The name in Redis.
    pub(crate) fn name(&self, bucket: &str, digest: &Digest) -> String {
        format!("{}:{bucket}:{}", self.prefix, hex::encode(digest))
    }

    /// The name of what there is once.
    pub(crate) fn single(&self, what: &str) -> String {
        format!("{}:{what}", self.prefix)
    }
}
