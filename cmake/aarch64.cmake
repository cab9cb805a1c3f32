# aarch64.cmake -- builds for ARM on another machine, with Debian's cross compiler (or clang, by -DCMAKE_C_COMPILER) and
# QEMU's user mode; `tools/setup cross` installs both.
# SPDX-License-Identifier: Apache-2.0
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
if(NOT CMAKE_C_COMPILER)
  set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
endif()
find_program(FOVEA_CROSS_CXX aarch64-linux-gnu-g++) # for the example in C++; never this machine's own
if(FOVEA_CROSS_CXX)
  set(CMAKE_CXX_COMPILER ${FOVEA_CROSS_CXX})
else()
  set(CMAKE_CXX_COMPILER "")
endif()
set(CMAKE_C_COMPILER_TARGET aarch64-linux-gnu) # read by clang
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64)
