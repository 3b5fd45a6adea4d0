# A Redmine with tables, files and a little content of its own: makes them in the instance that the environment names,
# then serves it at a free port of 127.0.0.1, at / and at /redmine, until its standard input ends.
# In: where Redmine is installed. Out: one line of JSON.

require "json"

SAY = STDOUT.dup
STDOUT.reopen(STDERR)
Thread.new { STDIN.read; exit!(0) }

Dir.chdir(ARGV.fetch(0))
require "./config/application"
# Most of it is never used here, so it is loaded when it is.
Rails.application.config.eager_load = false
# One thing after the other: SQLite refuses who wants to write what another has just changed.
Rails.application.config.active_job.queue_adapter = :inline
Rails.application.initialize!

connection = ActiveRecord::Base.connection
connection.execute("PRAGMA synchronous = OFF")
ActiveRecord::Migration.verbose = false
connection.migration_context.migrate
ActiveRecord::Base.descendants.each(&:reset_column_information)
Redmine::DefaultData::Loader.load("en")

Setting.rest_api_enabled = "1"
Setting.notified_events = []

def user(login, **more)
  made = User.new(firstname: login.capitalize, lastname: "Test", mail: "#{login}@mail.test", language: "en", **more)
  made.login = login
  made.password = made.password_confirmation = "password of #{login}"
  made.save!
  made
end

def role(name, *permissions)
  Role.create!(name: name, permissions: permissions, issues_visibility: "all")
end

users = {
  "admin" => user("admin2", admin: true),
  "reporter" => user("reporter"),
  "reader" => user("reader"),
  "stranger" => user("stranger"),
}
project = Project.create!(name: "Shop", identifier: "shop", is_public: false, trackers: Tracker.all.to_a)
least = role("Deliveries", :view_issues, :add_issues, :add_issue_notes, :edit_own_issue_notes)
Member.create!(project: project, principal: users["reporter"], roles: [least])
Member.create!(project: project, principal: users["reader"], roles: [role("Looking on", :view_issues)])
issue = Issue.create!(project: project, tracker: Tracker.first, author: users["admin"], subject: "Checkout is down",
                      priority: IssuePriority.default, description: "Customers see an error page.")

served = Rack::Lock.new(Rack::URLMap.new("/" => Rails.application, "/redmine" => Rails.application))
Rack::Handler::WEBrick.run(served, Host: "127.0.0.1", Port: 0, AccessLog: []) do |server|
  SAY.puts({ port: server.config[:Port], project: project.identifier, issue: issue.id, version: Redmine::VERSION.to_s,
             keys: users.transform_values(&:api_key) }.to_json)
  SAY.close
end
