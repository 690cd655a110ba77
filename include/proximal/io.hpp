// SPDX-License-Identifier: Apache-2.0
#pragma once

// Files and programs of this machine. All of it.
#include <proximal/io/atomic_file.hpp>
#include <proximal/io/command_words.hpp>
#include <proximal/io/content_hash.hpp>
#include <proximal/io/expand_user.hpp>
#include <proximal/io/growing_file.hpp>
#include <proximal/io/gzip_file.hpp>
#include <proximal/io/hub.hpp>
#include <proximal/io/json_file.hpp>
#include <proximal/io/line_process.hpp>
#include <proximal/io/mapped_file.hpp>
#include <proximal/io/no_sigpipe.hpp>
#include <proximal/io/process.hpp>
#include <proximal/io/running_hash.hpp>
#include <proximal/io/safetensors.hpp>
#include <proximal/io/safetensors_folder.hpp>
#include <proximal/io/stop_signal.hpp>
#include <proximal/io/stored_tensor.hpp>
#include <proximal/io/sync.hpp>
#include <proximal/io/write_safetensors.hpp>
