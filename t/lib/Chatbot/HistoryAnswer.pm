# An answer as it came, be it a part, of any face: what it says. Sets of the request
#   status, request_id, closes, unsaved, got_session, error (an error_code), done (a stream's good end),
#   text_got (what was delivered; undef: nothing), whole_text (a stream's last event has all of it again), tokens
package Chatbot::HistoryAnswer;

use strict;
use warnings;
use Exporter qw(import);
use JSON::PP ();

our @EXPORT_OK = qw(decode);

# The same as JSON::PP, fifty times as fast, where it is installed.
my $json = (eval { require Cpanel::JSON::XS } ? 'Cpanel::JSON::XS' : 'JSON::PP')->new->utf8->allow_nonref;

# undef when it is no JSON.
sub decode { my ($text) = @_; return eval { $json->decode($text) } }

# Of a chunked body that may have been cut.
sub _unchunk {
    my ($bytes, $at) = @_;
    my $body = '';
    while ((my $line = index($$bytes, "\r\n", $at)) >= 0) {
        my $size = hex substr($$bytes, $at, $line - $at);
        $body .= substr($$bytes, $line + 2, $size);
        $at = $line + 2 + $size + 2;
        last if $size == 0 || $at > length $$bytes;
    }
    return $body;
}

sub _code_of {
    my ($json) = @_;
    return 'no error document' if ref $json ne 'HASH';
    return $json->{error_code} if defined $json->{error_code};
    my $code = ref $json->{error} eq 'HASH' ? $json->{error}{code} // $json->{error}{type} : undef;
    return 'no error code' if !defined $code;
    return $code eq 'rate_limit_exceeded' ? 'rate_limited' : $code;
}

sub _read_document {
    my ($request, $json) = @_;
    return $request->{error} = 'no JSON' if ref $json ne 'HASH';
    my $completion = ref $json->{choices} eq 'ARRAY' ? $json->{choices}[0]{message}{content} : undef;
    $request->{text_got}   = $json->{response} // $completion // '';
    $request->{tokens} = $json->{tokens_used} // ($json->{usage} // {})->{total_tokens};
    $request->{got_session} //= $json->{session_id};
    $request->{done} = 1;
    return;
}

sub _read_event {
    my ($request, $name, $data) = @_;
    return $request->{done} = 1 if $data eq '[DONE]';
    my $json = decode($data);
    return push @{ $request->{garbled} }, $data if ref $json ne 'HASH';
    return push @{ $request->{garbled} }, "$name behind the end" if $request->{done} || defined $request->{error};
    return @$request{qw(got_session event_id)} = @$json{qw(session_id request_id)} if $name eq 'session';
    return $request->{error} = _code_of($json) if $name eq 'error' || $json->{error};
    $request->{unsaved} = 1 if ($json->{session} // '') eq 'unsaved';
    $request->{tokens} = $json->{usage}{total_tokens} if $json->{usage};
    $request->{text_got} //= '';
    if ($name eq 'delta') {
        $request->{text_got} .= $json->{text};
    } elsif ($name eq 'done') {
        @$request{qw(whole_text tokens done)} = (@$json{qw(response tokens_used)}, 1);
    } elsif ($json->{choices}) {
        $request->{text_got} .= $json->{choices}[0]{delta}{content} // '' if @{ $json->{choices} };
    }
    return;
}

sub _read_stream {
    my ($request, $body) = @_;
    while ($body =~ /\G(.*?)\n\n/gs) {
        my $event = $1;
        my ($name) = $event =~ /^event: (.*)/m;
        _read_event($request, $name // '', $1) if $event =~ /^data: (.*)/m;
    }
    return;
}

sub read_answer {
    my ($request, $bytes) = @_;
    $request->{got} = length $$bytes;
    my $end = index($$bytes, "\r\n\r\n");
    return if $end < 0;
    my $head = substr($$bytes, 0, $end);
    ($request->{status})      = $head =~ /\AHTTP\/1\.1 (\d{3})/;
    ($request->{request_id})  = $head =~ /^X-Request-ID: (\S+)/mi;
    ($request->{got_session}) = $head =~ /^X-Session-Id: (\S+)/mi;
    $request->{closes}  = 1 if $head =~ /^Connection: close/mi;
    $request->{unsaved} = 1 if $head =~ /^X-Chatbot-Session: unsaved/mi;
    my $body = $head =~ /^Transfer-Encoding: chunked/mi ? _unchunk($bytes, $end + 4) : substr($$bytes, $end + 4);
    if ($head =~ /^Content-Type: text\/event-stream/mi) {
        _read_stream($request, $body);
    } elsif ($request->{end} eq 'answer') {
        my $json = decode($body);
        $request->{status} == 200 ? _read_document($request, $json) : ($request->{error} = _code_of($json));
    }
    $request->{saved} = ($request->{done} && !$request->{unsaved}) ? 1 : 0;
    return;
}

1;
