//! An error of an item, as members of a JSON object, and back again.

use serde::{Deserialize, Serialize};
use surecopy_engine::{ErrorCode, ItemError};

use crate::error::Result;
use crate::text::path_text::{Text, from_members, to_members};
use crate::text::words::word;

/// An [`ItemError`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErrorText<'a> {
    #[serde(borrow)]
    code: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    os_error: Option<i32>,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    details: Option<Text<'a>>,
    #[serde(borrow)]
    path: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
}

impl<'a> ErrorText<'a> {
    pub(crate) fn new(error: &'a ItemError) -> Self {
        let (path, path_bytes) = to_members(&error.path);
        Self {
            code: error.code.as_str().into(),
            os_error: error.os_error,
            message: error.message.as_str().into(),
            details: error.details.as_deref().map(std::borrow::Cow::Borrowed),
            path,
            path_bytes,
        }
    }

    pub(crate) fn read(self) -> Result<ItemError> {
        Ok(ItemError {
            code: word(ErrorCode::from_text, &self.code)?,
            message: self.message.into_owned(),
            details: self.details.map(std::borrow::Cow::into_owned),
            path: from_members(&self.path, self.path_bytes.as_deref())?,
            os_error: self.os_error,
        })
    }
}
