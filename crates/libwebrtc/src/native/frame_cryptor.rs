//! End-to-end encryption. The types exist; nothing is encrypted, so nothing may be sent either:
//! an enabled cryptor silences its sender or receiver instead of letting plain media through.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI32, Ordering},
};

use parking_lot::Mutex;

use crate::{
    native::packet_trailer::PacketTrailerHandler, peer_connection_factory::PeerConnectionFactory,
    rtp_receiver::RtpReceiver, rtp_sender::RtpSender,
};

const UNSUPPORTED: &str = "end-to-end encryption is not part of this libwebrtc yet; \
    use the original crate or leave encryption off";

pub type OnStateChange = Box<dyn FnMut(String, EncryptionState) + Send + Sync>;

/// How keys are derived from a passphrase.
#[derive(Copy, Clone, Debug)]
#[non_exhaustive]
pub enum KeyDerivationAlgorithm {
    PBKDF2,
    HKDF,
}

/// Settings of a [`KeyProvider`].
#[derive(Debug, Clone)]
pub struct KeyProviderOptions {
    pub shared_key: bool,
    pub ratchet_window_size: i32,
    pub ratchet_salt: Vec<u8>,
    pub failure_tolerance: i32,
    pub key_ring_size: i32,
    pub key_derivation_algorithm: KeyDerivationAlgorithm,
}

/// The cipher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncryptionAlgorithm {
    AesGcm,
    AesCbc,
}

/// How a cryptor fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncryptionState {
    New,
    Ok,
    EncryptionFailed,
    DecryptionFailed,
    MissingKey,
    KeyRatcheted,
    InternalError,
}

/// An encrypted data packet.
#[derive(Debug, Clone)]
pub struct EncryptedPacket {
    pub data: Vec<u8>,
    pub iv: Vec<u8>,
    pub key_index: u32,
}

/// Keeps no keys: every setter answers `false`, every getter `None`.
#[derive(Clone)]
pub struct KeyProvider {}

impl KeyProvider {
    pub fn new(_: KeyProviderOptions) -> Self {
        log::error!("{UNSUPPORTED}");
        Self {}
    }

    pub fn set_shared_key(&self, _key_index: i32, _key: Vec<u8>) -> bool {
        false
    }

    pub fn ratchet_shared_key(&self, _key_index: i32) -> Option<Vec<u8>> {
        None
    }

    pub fn get_shared_key(&self, _key_index: i32) -> Option<Vec<u8>> {
        None
    }

    pub fn set_key(&self, _participant_id: String, _key_index: i32, _key: Vec<u8>) -> bool {
        false
    }

    pub fn ratchet_key(&self, _participant_id: String, _key_index: i32) -> Option<Vec<u8>> {
        None
    }

    pub fn get_key(&self, _participant_id: String, _key_index: i32) -> Option<Vec<u8>> {
        None
    }

    pub fn set_sif_trailer(&self, _trailer: Vec<u8>) {}
}

#[derive(Clone)]
enum Target {
    Sender(RtpSender),
    Receiver(RtpReceiver),
}

/// Guards one sender or receiver: while enabled, no media passes.
#[derive(Clone)]
pub struct FrameCryptor {
    participant_id: String,
    target: Target,
    enabled: Arc<AtomicBool>,
    key_index: Arc<AtomicI32>,
    on_state_change: Arc<Mutex<Option<OnStateChange>>>,
}

impl FrameCryptor {
    pub fn new_for_rtp_sender(
        _: &PeerConnectionFactory,
        participant_id: String,
        _: EncryptionAlgorithm,
        _: KeyProvider,
        sender: RtpSender,
    ) -> Self {
        Self::new(participant_id, Target::Sender(sender))
    }

    pub fn new_for_rtp_receiver(
        _: &PeerConnectionFactory,
        participant_id: String,
        _: EncryptionAlgorithm,
        _: KeyProvider,
        receiver: RtpReceiver,
    ) -> Self {
        Self::new(participant_id, Target::Receiver(receiver))
    }

    fn new(participant_id: String, target: Target) -> Self {
        Self {
            participant_id,
            target,
            enabled: Arc::default(),
            key_index: Arc::default(),
            on_state_change: Arc::default(),
        }
    }

    pub fn set_enabled(&self, enabled: bool) {
        self.enabled.store(enabled, Ordering::Relaxed);
        match &self.target {
            Target::Sender(sender) => sender.set_silenced(enabled),
            Target::Receiver(receiver) => receiver.set_silenced(enabled),
        }
        if enabled {
            log::error!("{UNSUPPORTED}");
            if let Some(handler) = self.on_state_change.lock().as_mut() {
                handler(self.participant_id.clone(), EncryptionState::InternalError);
            }
        }
    }

    pub fn enabled(&self) -> bool {
        self.enabled.load(Ordering::Relaxed)
    }

    pub fn set_key_index(&self, index: i32) {
        self.key_index.store(index, Ordering::Relaxed);
    }

    pub fn key_index(&self) -> i32 {
        self.key_index.load(Ordering::Relaxed)
    }

    pub fn participant_id(&self) -> String {
        self.participant_id.clone()
    }

    pub fn on_state_change(&self, handler: Option<OnStateChange>) {
        *self.on_state_change.lock() = handler;
    }

    pub fn set_packet_trailer_handler(&self, _: &PacketTrailerHandler) {}
}

/// Refuses to encrypt or decrypt data packets.
#[derive(Clone)]
pub struct DataPacketCryptor {}

impl DataPacketCryptor {
    pub fn new(_: EncryptionAlgorithm, _: KeyProvider) -> Self {
        Self {}
    }

    /// # Errors
    /// Always.
    pub fn encrypt(
        &self,
        _participant_id: &str,
        _key_index: u32,
        _data: &[u8],
    ) -> Result<EncryptedPacket, Box<dyn std::error::Error>> {
        Err(UNSUPPORTED.into())
    }

    /// # Errors
    /// Always.
    pub fn decrypt(
        &self,
        _participant_id: &str,
        _packet: &EncryptedPacket,
    ) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        Err(UNSUPPORTED.into())
    }
}
