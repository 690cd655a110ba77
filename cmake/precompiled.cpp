// SPDX-License-Identifier: Apache-2.0
// The target that the precompiled header belongs to: every program on tensors uses it.
