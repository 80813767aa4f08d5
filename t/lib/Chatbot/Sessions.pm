# Chats in a session, and what /sessions/{id} says of it.
package Chatbot::Sessions;

use strict;
use warnings;
use Chatbot::Httpd;
use Exporter qw(import);

our @EXPORT = qw(say_to look_at remove saved chat_until);

# One message in a session; user is the body's user_id.
sub say_to {
    my ($server, $session, $message, %option) = @_;
    my $user = delete $option{user};
    return $server->chat({ message => $message, session_id => $session, defined $user ? (user_id => $user) : () },
        %option);
}

sub look_at { my ($server, $id, %option) = @_; return $server->request('GET', "/sessions/$id", %option) }
sub remove  { my ($server, $id, %option) = @_; return $server->request('DELETE', "/sessions/$id", %option) }

# Whether a chat's answer says nothing of a session that could not be saved.
sub saved { my ($answer) = @_; return !defined $answer->{headers}{'x-chatbot-session'} }

# Chats until `condition` is true of the answer, or 20 seconds are over.
sub chat_until {
    my ($server, $id, $condition) = @_;
    return Chatbot::Httpd::wait_for(20, sub { $condition->(say_to($server, $id, 'Hello')) });
}

1;
