// The one translation unit that compiles the non-template parts of Asio, its TLS layer and Beast
// (the *_SEPARATE_COMPILATION macros are set for the whole build).
// GCC 12 with sanitizers takes boost::optional's storage for uninitialised when inlined.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
