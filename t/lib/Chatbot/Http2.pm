# Frames of HTTP/2 (RFC 9113) by hand, for what curl does not do: streams that are reset, an upgrade on a
# connection that was used before. To be sent with a Chatbot::Client.
package Chatbot::Http2;

use strict;
use warnings;
use JSON::PP ();
use Time::HiRes qw(time);

use constant { DATA => 0, HEADERS => 1, RST_STREAM => 3, SETTINGS => 4, CANCEL => 8 };
use constant { END_STREAM => 1, END_HEADERS => 4 };

sub _frame {
    my ($type, $flags, $stream, $payload) = @_;
    return substr(pack('N', length $payload), 1) . pack('CCN', $type, $flags, $stream) . $payload;
}

# A header without compression (RFC 7541, 6.2.2).
sub _header {
    my ($name, $value) = @_;
    return pack('C C/a C/a', 0, $name, $value);
}

sub preface { return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . _frame(SETTINGS, 0, 0, '') }

sub chat {
    my ($class, $stream, $message) = @_;
    my $head = join '', map { _header(@$_) } [ ':method', 'POST' ], [ ':scheme', 'http' ], [ ':path', '/chat' ],
        [ ':authority', 'localhost' ], [ 'content-type', 'application/json' ];
    return _frame(HEADERS, END_HEADERS, $stream, $head)
        . _frame(DATA, END_STREAM, $stream, JSON::PP->new->encode({ message => $message }));
}

sub reset {
    my ($class, $stream) = @_;
    return _frame(RST_STREAM, 0, $stream, pack('N', CANCEL));
}

# The body that comes as stream 1 after the 101 of an upgrade; undef when it does not come whole.
sub upgraded {
    my ($class, $client) = @_;
    my ($bytes, $body, $switched, $deadline) = ('', '', 0, time() + 15);
    while (time() < $deadline) {
        my $more = $client->read_some($deadline - time()) // return undef;
        return undef if $more eq '';
        $bytes .= $more;
        $switched ||= $bytes =~ s{\AHTTP/1\.1 101 .*?\r\n\r\n}{}s;
        while ($switched && length $bytes >= 9) {
            my $length = unpack('N', "\0" . substr($bytes, 0, 3));
            last if length $bytes < 9 + $length;
            my ($type, $flags, $stream) = unpack('CCN', substr($bytes, 3, 6));
            my $payload = substr($bytes, 9, $length);
            substr($bytes, 0, 9 + $length) = '';
            $body .= $payload if $type == DATA && $stream == 1;
            return $body if $stream == 1 && ($type == DATA || $type == HEADERS) && $flags & END_STREAM;
        }
    }
    return undef;
}

1;
